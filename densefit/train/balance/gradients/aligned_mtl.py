"""Aligned-MTL: gradients whose principal components are made equally long."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.train.balance.balancer import balancers, check_choice
from densefit.train.balance.gradients.balancer import GradientBalancer

SCALES = ("min", "median", "mean")


@balancers.register("aligned_mtl")
class AlignedMTL(GradientBalancer):
    """The sum of the nearest system of gradients that are orthogonal and equally long.

    Senushkin, Patakin, Kuznetsov and Konushin, Independent Component Alignment for Multi-Task
    Learning, CVPR 2023, arXiv:2305.19000, algorithm 1. Components below the rounding error of the
    longest are dropped. An absent head is left out.

    Args:
        scale: squared length of the components: "min" of theirs, as in the paper, so that none is
            lengthened; "median" (the lower one of two) or "mean".
        at: "parameters" or "features": the gradients that are compared, see `GradientBalancer`.
        every: updates from one comparison to the next, 1 or more.
        accumulated: "all" or "previous": the micro-batches that are compared.
    """

    def __init__(
        self,
        scale: str = "min",
        *,
        at: str = "parameters",
        every: int = 1,
        accumulated: str = "all",
    ) -> None:
        super().__init__(at=at, every=every, accumulated=accumulated)
        check_choice("scale", scale, SCALES, "AlignedMTL")
        self.scale = scale

    def _factors(self, gram: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        squares, vectors = np.linalg.eigh(gram)
        real = squares > squares.max() * len(gram) * np.finfo(float).eps
        squares, vectors = squares[real], vectors[:, real]
        lengths = {
            "min": squares[0],
            "median": squares[(len(squares) - 1) // 2],
            "mean": squares.mean(),
        }
        balance = vectors * np.sqrt(lengths[self.scale] / squares) @ vectors.T
        return np.asarray(balance.sum(axis=1))
