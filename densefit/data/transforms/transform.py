"""The transform protocol, and Compose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeGuard

import numpy as np

from densefit.data.geometry.ops import GeometricOp, GeometricTransform, apply_ops
from densefit.data.sample import Sample
from densefit.data.transforms.extra_samples import Draw, apply_transform
from densefit.errors import ConfigError
from densefit.registry import Registry

Size = tuple[int, int] | None


class Transform(Protocol):
    """Transforms a sample; all its randomness comes from `rng`.

    Any callable will do. A transform with results of one size has an attribute `output_size`,
    (height, width), which the loader reads. One that combines several samples has an attribute
    `others`, the largest number of further samples; it is then called with a third argument:
    `draw(n)` returns n samples of the dataset.
    """

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample: ...


transforms: Registry[Transform] = Registry("transform")


@transforms.register("compose")
class Compose:
    """Transforms in order. Consecutive geometric ones are fused into one warp where that is faster.

    Attributes:
        steps: the transforms, first to last.
        others: largest number of further samples that they use.
        output_size: (height, width) of the last transform that fixes it; None if none does.
    """

    def __init__(self, steps: Sequence[Callable[[Sample, np.random.Generator], Sample]]) -> None:
        for step in steps:
            if not callable(step):
                raise ConfigError(
                    "A transform must be callable: (sample, rng) -> sample",
                    received=repr(step),
                    where=f"position {list(steps).index(step)} of Compose",
                )
        self.steps = list(steps)

    @property
    def output_size(self) -> Size:
        """(height, width) of every result; None if it varies."""
        for step in reversed(self.steps):
            size: Size = getattr(step, "output_size", None)
            if size is not None:
                return size
        return None

    @property
    def others(self) -> int:
        """Largest number of further samples that one result combines."""
        return sum(getattr(step, "others", 0) for step in self.steps)

    def __call__(
        self, sample: Sample, rng: np.random.Generator, draw: Draw | None = None
    ) -> Sample:
        """Apply the transforms; `draw` provides further samples."""
        pending: list[GeometricOp] = []
        for step in self.steps:
            if _is_geometric(step):
                height, width = pending[-1].size if pending else sample.image.shape[:2]
                pending += step.ops((height, width), rng)
                continue
            sample, pending = apply_ops(sample, pending), []
            sample = apply_transform(step, sample, rng, draw)
        return apply_ops(sample, pending)

    def __repr__(self) -> str:
        return f"Compose({self.steps!r})"


def _is_geometric(step: Any) -> TypeGuard[GeometricTransform]:
    """Whether a transform is its geometric operations alone: a subclass may override the call."""
    kind = type(step)
    return isinstance(step, GeometricTransform) and kind.__call__ is GeometricTransform.__call__


def checked_size(height: int, width: int, where: str) -> tuple[int, int]:
    """(height, width) if both are positive whole numbers. Raises ConfigError otherwise."""
    if int(height) != height or int(width) != width or height < 1 or width < 1:
        raise ConfigError(
            "An image size must be positive whole numbers of pixels",
            received=f"height={height!r}, width={width!r}",
            where=where,
        )
    return int(height), int(width)


def checked_range(name: str, value: float, low: float, high: float, where: str) -> float:
    """`value` if it lies in [low, high]. Raises ConfigError otherwise."""
    if not low <= value <= high:
        raise ConfigError(
            f"The setting {name!r} is out of range",
            expected=f"{low} to {high}",
            received=value,
            where=where,
        )
    return float(value)
