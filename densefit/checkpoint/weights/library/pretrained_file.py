"""A published file of pretrained weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from densefit.model.backbones import Backbone
from densefit.model.backbones.input_normalization import IMAGENET, InputNormalization


@dataclass(frozen=True)
class Package:
    """A package of an index that holds a file of weights.

    Attributes:
        requirement: its name and version, e.g. "name==1.0".
        member: path of the file in the package.
    """

    requirement: str
    member: str

    @property
    def module(self) -> str:
        """Name of the installed folder."""
        return self.member.partition("/")[0]


@dataclass(frozen=True)
class PretrainedFile:
    """A published file of pretrained weights.

    Attributes:
        name: name in `densefit weights`.
        backbone: name of the backbone.
        file: name of the file.
        sha256: of the file, or its beginning, as the publisher states it.
        address: where it is published.
        licence: SPDX identifier.
        source: who trained it, how.
        top1: percent of ImageNet's validation images, by the publisher; None if not stated there.
        built: attribute of the backbone -> the value for which the weights are.
        input_normalization: of the input.
        package: a package that holds the same file.
    """

    name: str
    backbone: str
    file: str
    sha256: str
    address: str
    licence: str
    source: str
    top1: float | None = None
    built: Mapping[str, Any] = field(default_factory=dict)
    input_normalization: InputNormalization = IMAGENET
    package: Package | None = None

    def fits(self, backbone: Backbone) -> bool:
        """Whether the weights are for a backbone of this name and width."""
        return backbone.name == self.backbone and all(
            getattr(backbone, name, value) == value for name, value in self.built.items()
        )
