"""What a transform is, and a list of them as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from densefit.data.geometry.ops import Geometric, Move, moved_by
from densefit.data.sample import Sample
from densefit.data.transforms.extra_samples import Draw, applied
from densefit.errors import ConfigError
from densefit.registry import Registry

Size = tuple[int, int] | None


class Transform(Protocol):
    """A change of a sample; all its randomness comes from `rng`.

    Any callable will do. One whose results all have one size says so by an attribute
    `output_size`, (height, width); the loader asks for it. One that makes its result of several
    samples says how many more it takes at most by an attribute `others`; it is then called with
    a third argument, `draw`, whose call with a number gives so many samples of the dataset.
    """

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample: ...


transforms: Registry[Transform] = Registry("transform")


@transforms.register("compose")
class Compose:
    """Transforms in a row. Geometric ones that are neighbours become one warp where that is faster.

    Attributes:
        steps: the transforms, first to last.
        others: further samples that the members take, at most.
        output_size: (height, width) by the last member that fixes one; None if none does.
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
        """(height, width) of every result, None if unknown."""
        for step in reversed(self.steps):
            size: Size = getattr(step, "output_size", None)
            if size is not None:
                return size
        return None

    @property
    def others(self) -> int:
        """Further samples that one result is made of, at most."""
        return sum(getattr(step, "others", 0) for step in self.steps)

    def __call__(
        self, sample: Sample, rng: np.random.Generator, draw: Draw | None = None
    ) -> Sample:
        """Apply all of them; `draw` gives further samples to those that take some."""
        waiting: list[Move] = []
        for step in self.steps:
            # A class of the user's that changes what is called is called.
            if isinstance(step, Geometric) and type(step).__call__ is Geometric.__call__:
                height, width = waiting[-1].size if waiting else sample.image.shape[:2]
                waiting += step.moves((height, width), rng)
                continue
            sample, waiting = moved_by(sample, waiting), []
            sample = applied(step, sample, rng, draw)
        return moved_by(sample, waiting)

    def __repr__(self) -> str:
        return f"Compose({self.steps!r})"


def checked_size(height: int, width: int, where: str) -> tuple[int, int]:
    """(height, width) if both are positive whole numbers. Raises ConfigError otherwise."""
    if int(height) != height or int(width) != width or height < 1 or width < 1:
        raise ConfigError(
            "A picture size must be positive whole numbers of pixels",
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
