"""Details of a metric for plots and files: matrices of counts, and curves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Matrix:
    """Counts of pairs of classes.

    Attributes:
        names: names of the K classes.
        counts: (K, K) int64, row = truth, column = prediction.
        what: what is counted, e.g. "pixels".
    """

    names: list[str]
    counts: np.ndarray
    what: str


@dataclass(frozen=True)
class Curve:
    """Points of one curve.

    Attributes:
        x, y: (n,) float64.
        threshold: (n,) float64, the score from which predictions count at this point; None without
            scores.
    """

    x: np.ndarray
    y: np.ndarray
    threshold: np.ndarray | None = None


@dataclass(frozen=True)
class Curves:
    """Curves of one plot, by name.

    Attributes:
        x_label, y_label: titles of the axes.
        lines: name (usually of a class) -> Curve.
        title: title of the plot.
    """

    x_label: str
    y_label: str
    lines: Mapping[str, Curve]
    title: str


Detail = Matrix | Curves
