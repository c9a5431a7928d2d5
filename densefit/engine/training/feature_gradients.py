"""Gradients of a trunk's features as rows, one for each head."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np


def combined_rows(
    gradients: Sequence[Mapping[int, np.ndarray]],
    heads: int,
    combine: Callable[[np.ndarray], np.ndarray],
) -> list[np.ndarray | None]:
    """Combine the heads' gradients of all features as one vector for each head.

    Args:
        gradients: for each feature, head number -> gradient; a head that is absent has zeros.
        heads: number of heads.
        combine: (heads, P) float32 -> (P,).

    Returns:
        The combination for each feature, in its shape; None for one without any gradient.
    """
    shapes = [next(iter(of.values())).shape if of else None for of in gradients]
    sizes = [0 if shape is None else int(np.prod(shape)) for shape in shapes]
    rows = np.zeros((heads, sum(sizes)), np.float32)
    starts = np.cumsum([0, *sizes])
    for start, size, of in zip(starts, sizes, gradients):
        for head, gradient in of.items():
            rows[head, start : start + size] = gradient.ravel()
    whole = combine(rows)
    return [
        None if shape is None else whole[start : start + size].reshape(shape)
        for start, size, shape in zip(starts, sizes, shapes)
    ]
