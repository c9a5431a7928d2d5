"""Names of a backbone's parameters in files of other systems, by tables of its layers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

import numpy as np

from densefit.model.backbones.input_normalization import IMAGENET, InputNormalization

#: Layer of ours -> (its convolution, its norm). `{stage}` is a number, and `{stage+3}` one larger.
Row: TypeAlias = tuple[str | None, str | None]
Rows: TypeAlias = Mapping[str, Row]
Convert: TypeAlias = Callable[[np.ndarray], np.ndarray]

#: End of a parameter of ours -> (0 convolution or 1 norm, end of its name there).
TORCH = {
    "bn_gamma": (1, "weight"),
    "bn_beta": (1, "bias"),
    "bn_moving_mean": (1, "running_mean"),
    "bn_moving_var": (1, "running_var"),
    "weight": (0, "weight"),
    "bias": (0, "bias"),
}
GLUON = {
    **TORCH,
    "bn_gamma": (1, "gamma"),
    "bn_beta": (1, "beta"),
}
_FIELD = re.compile(r"\{(\w+)(?:\+(\d+))?\}")


@dataclass(frozen=True)
class NameMap:
    """Names of a backbone's parameters in the files of one system.

    Attributes:
        rows: the layers; the first row that fits counts.
        ends: TORCH or GLUON.
        body: patterns of the names of the whole backbone there. One that is left over is of another
            architecture, e.g. of the deeper ResNet.
        unused: patterns of names in the body that densefit has no use for.
        input_normalization: of the input, unless a file's entry in the table says otherwise.
        stem: layer that reads the image.
        convert: parameter, without the backbone's name -> what makes its value of the file's array.
        eps: (there, here) added to variances, where they differ: scales are corrected, so that the
            results are the same.
        built: attribute of the backbone -> the value that the weights need.
    """

    rows: Rows
    ends: Mapping[str, tuple[int, str]]
    body: tuple[str, ...]
    unused: tuple[str, ...] = ()
    input_normalization: InputNormalization = IMAGENET
    stem: str = "stem"
    convert: Mapping[str, Convert] = field(default_factory=dict)
    eps: tuple[float, float] | None = None
    built: Mapping[str, Any] = field(default_factory=dict)

    def names(self, parameters: Iterable[str], backbone: str) -> dict[str, str]:
        """Return parameter -> name there; without those that no row fits.

        >>> rows = {"layer{stage}_{block}_conv1": ("layer{stage}.{block}.conv1", None)}
        >>> NameMap(rows, TORCH, ()).names(["net_layer1_0_conv1_weight"], "net")
        {'net_layer1_0_conv1_weight': 'layer1.0.conv1.weight'}

        Args:
            parameters: parameters and moving statistics of the backbone.
            backbone: their prefix, the backbone's name.
        """
        bare = {name: name.removeprefix(f"{backbone}_") for name in parameters}
        names = names_by_rows(bare.values(), self.rows, self.ends)
        return {name: names[layer] for name, layer in bare.items() if layer in names}

    def leftover(self, names: Iterable[str]) -> list[str]:
        """Return the names of the body, none of which should be left over."""
        return [
            name
            for name in names
            if any(fnmatchcase(name, pattern) for pattern in self.body) and not self.is_unused(name)
        ]

    def is_unused(self, name: str) -> bool:
        """Whether a name is of something that densefit has no use for."""
        patterns = (*self.unused, "*.num_batches_tracked")
        return any(fnmatchcase(name, pattern) for pattern in patterns)


def names_by_rows(
    parameters: Iterable[str], rows: Rows, ends: Mapping[str, tuple[int, str]]
) -> dict[str, str]:
    """Return parameter -> name there; without those that no row fits.

    >>> names_by_rows(["conv3_weight"], {"conv{n}": ("convs.{n+1}", None)}, TORCH)
    {'conv3_weight': 'convs.4.weight'}

    Args:
        parameters: names without the prefix of the backbone or of the head.
        rows: the layers; the first row that fits counts.
        ends: TORCH or GLUON.
    """
    named = {}
    for parameter in parameters:
        for end, (part, theirs) in ends.items():
            if parameter.endswith(f"_{end}"):
                name = _row(rows, parameter.removesuffix(f"_{end}"), part)
                if name is not None:
                    named[parameter] = f"{name}.{theirs}"
                break
    return named


def _row(rows: Rows, layer: str, part: int) -> str | None:
    for ours, theirs in rows.items():
        match = re.fullmatch(_FIELD.sub(r"(?P<\1>[0-9]+)", ours), layer)
        name = theirs[part]
        if match and name is not None:
            numbers = {key: int(value) for key, value in match.groupdict().items()}
            return _FIELD.sub(lambda f: str(numbers[f[1]] + int(f[2] or 0)), name)  # noqa: B023
    return None
