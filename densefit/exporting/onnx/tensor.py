"""A tensor of the ONNX graph that is being built, and sizes that depend on the batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

#: Stands for the size of a dynamic batch: a prime, so that a size that is computed from it is
#: recognized, and arithmetic on shapes needs no symbols.
BATCH = 1_000_003

#: Sizes of the axes; None where they depend on the values.
Shape: TypeAlias = tuple[int | None, ...]


@dataclass(frozen=True, eq=False)
class Tensor:
    """An input, a constant or an output of a node.

    Attributes:
        name: name in the ONNX graph.
        shape: sizes, multiples of `BATCH` where the batch is dynamic.
        dtype: type of the elements.
        value: the elements of a constant, else None.
    """

    name: str
    shape: Shape
    dtype: np.dtype
    value: np.ndarray | None = None

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape, if no size depends on the values."""
        if any(size is None for size in self.shape):
            raise ValueError(
                f"the size of {self.name}, {shape_text(self.shape)}, depends on the values or on a "
                "part of the batch"
            )
        return tuple(size for size in self.shape if size is not None)

    @property
    def is_float(self) -> bool:
        """Whether the elements are floating point numbers."""
        return self.dtype.kind == "f"


def is_dynamic(size: int | None) -> bool:
    """Whether a size depends on the batch, or on the values.

    >>> is_dynamic(8), is_dynamic(8 * BATCH), is_dynamic(None)
    (False, True, True)
    """
    return size is None or (size > 0 and size % BATCH == 0)


def shape_text(shape: Shape) -> str:
    """A shape for messages, with N for the batch.

    >>> shape_text((BATCH, 3)), shape_text((2 * BATCH, None))
    ('(N, 3)', '(2*N, ?)')
    """
    sizes = []
    for size in shape:
        if size is None:
            sizes.append("?")
        elif is_dynamic(size):
            sizes.append("N" if size == BATCH else f"{size // BATCH}*N")
        else:
            sizes.append(str(size))
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def product(sizes: Sequence[int]) -> int:
    """Product of sizes, without overflow.

    >>> product((BATCH, 3)) == 3 * BATCH
    True
    """
    total = 1
    for size in sizes:
        total *= size
    return total
