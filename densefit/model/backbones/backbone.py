"""Backbone: an image Symbol -> feature maps at strides 4, 8, 16 and 32."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from densefit.errors import ConfigError
from densefit.model.heads.head import Features
from densefit.model.normalization import Normalization
from densefit.registry import Registry
from densefit.symbol import sym

# ImageNet's means and standard deviations of RGB in [0, 255], as published weights expect.
MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)


class Backbone(ABC):
    """A feature extractor.

    Attributes:
        name: prefix of its parameters.
        mean, std: of the RGB input in [0, 255]; the first operation of the graph, so that
            batches travel as bytes and a saved network needs no note on how to feed it.
        normalization: kind of the layers that `densefit.model.normalization.normalize` builds.
    """

    name: str
    mean: tuple[float, float, float] = MEAN
    std: tuple[float, float, float] = STD
    normalization: Normalization = Normalization()

    def normalise_input_by(self, mean: Sequence[float], std: Sequence[float]) -> None:
        """Normalise by another mean and std of RGB in [0, 255]; a wrong one is a ConfigError."""
        check_channels(mean, std, f"backbone {self.name!r}")
        self.mean, self.std = _three(mean), _three(std)

    @abstractmethod
    def maps(self, x: Any, output_stride: int) -> dict[int, tuple[Any, int]]:
        """Build the feature maps of a normalised (B, 3, H, W) Symbol: stride -> (Symbol, channels).

        Below `output_stride` maps are not shrunk further: convolutions are dilated instead
        (Chen et al. 2017, DeepLabv3), and their result replaces the map at `output_stride`.
        """

    def maps_at(
        self, x: Any, output_stride: int, input_size: tuple[int, int]
    ) -> dict[int, tuple[Any, int]]:
        """Build the maps at an input of (height, width), which few backbones depend on."""
        return self.maps(x, output_stride)

    def features(self, data: Any, input_size: tuple[int, int], output_stride: int) -> Features:
        """Build the feature maps of `data`, (B, 3, H, W) RGB in [0, 255], any dtype.

        Raises:
            ConfigError: `output_stride` is not 8, 16 or 32.
        """
        if output_stride not in (8, 16, 32):
            raise ConfigError(
                "A backbone's output stride must be 8, 16 or 32", received=output_stride
            )
        image = normalise(data, self.mean, self.std)
        with self.normalization.in_effect():
            maps = self.maps_at(image, output_stride, input_size)
        return Features(
            maps={stride: symbol for stride, (symbol, _) in maps.items()},
            channels={stride: channels for stride, (_, channels) in maps.items()},
            input_size=input_size,
        )


def check_channels(mean: Any, std: Any, where: str) -> None:
    """Raise ConfigError unless mean and std are three numbers each, and std is above 0."""
    for name, values in (("mean", mean), ("std", std)):
        wrong = not isinstance(values, (list, tuple)) or len(values) != 3
        if wrong or not all(isinstance(value, (int, float)) for value in values):
            raise ConfigError(
                f"The {name} of an input is three numbers", received=repr(values), where=where
            )
    if not all(value > 0 for value in std):
        raise ConfigError("The std of an input is above 0", received=repr(std), where=where)


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third


def normalise(data: Any, mean: tuple[float, ...], std: tuple[float, ...]) -> Any:
    """Compute (data - mean) / std of each channel in float32, without parameters."""
    data = sym.cast(data, dtype="float32", name="data_float")
    planes = sym.split(data, num_outputs=3, axis=1, name="data_planes")
    scaled = [(planes[i] - mean[i]) * (1.0 / std[i]) for i in range(3)]
    return sym.concat(*scaled, dim=1, name="data_normalised")


class Backbones(Registry[Backbone]):
    """Backbones by name, with settings that each of them has.

    These are `normalization`, a kind of `Normalization`, and `mean` and `std` of the input.
    """

    def create(self, name: str, /, normalization: str = "batch", **arguments: Any) -> Backbone:
        """Make a backbone; a wrong argument is a ConfigError."""
        kind = Normalization(normalization)
        stated = {key: arguments.pop(key) for key in ("mean", "std") if key in arguments}
        backbone = super().create(name, **arguments)
        backbone.normalization = kind
        if stated:
            backbone.normalise_input_by(
                stated.get("mean", backbone.mean), stated.get("std", backbone.std)
            )
        return backbone


backbones = Backbones("backbone")
