"""Shares of the heads on the simplex, of which an update moves those that are present."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class Shares:
    """A share above or equal to 0 for each head; they add up to 1.

    An update moves the shares of the heads that have labels in it, and leaves their sum, so that a
    head that is absent keeps its share, and the rest move as if it were not there.

    Args:
        heads: names.
        shares: shares to start from, by head; equal ones by default.
    """

    def __init__(self, heads: Sequence[str], shares: dict[str, float] | None = None) -> None:
        self.by_head = dict(shares or dict.fromkeys(heads, 1.0 / len(heads)))

    def among(self, heads: Sequence[str]) -> np.ndarray:
        """Return the (n,) shares of some heads among these; equal ones if all are 0.

        >>> Shares(["a", "b", "c"], {"a": 0.2, "b": 0.3, "c": 0.5}).among(["a", "b"]).tolist()
        [0.4, 0.6]
        """
        values = np.array([self.by_head[head] for head in heads])
        total = values.sum()
        return values / total if total > 0 else np.full(len(heads), 1.0 / len(heads))

    def move(self, heads: Sequence[str], shares: np.ndarray) -> None:
        """Set the (n,) shares of some heads among these."""
        total = sum(self.by_head[head] for head in heads) or len(heads) / len(self.by_head)
        self.by_head.update(zip(heads, (total * shares).tolist()))


def on_simplex(point: np.ndarray) -> np.ndarray:
    """Project an (n,) point onto the simplex: the nearest shares that add up to 1.

    Duchi et al., Efficient Projections onto the l1-Ball, ICML 2008.

    >>> on_simplex(np.array([0.5, 1.5])).tolist()
    [0.0, 1.0]
    >>> on_simplex(np.array([0.2, 0.4])).round(9).tolist()
    [0.4, 0.6]
    """
    point = point - point.max()  # so that 1 is not lost beside large numbers
    falling = np.sort(point)[::-1]
    excess = (np.cumsum(falling) - 1.0) / np.arange(1, len(point) + 1)
    last = np.flatnonzero(falling > excess)[-1]
    return np.maximum(point - excess[last], 0.0)
