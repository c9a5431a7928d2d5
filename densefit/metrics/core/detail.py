"""What a metric can show beyond numbers: tables of counts and curves, for pictures and files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Matrix:
    """Counts of pairs of classes.

    Attributes:
        names: of the K classes.
        counts: (K, K) int64, row = truth, column = prediction.
        what: what is counted, e.g. "pixels".
    """

    names: list[str]
    counts: np.ndarray
    what: str


@dataclass(frozen=True)
class Curve:
    """One line, point by point.

    Attributes:
        x, y: (n,) float64.
        threshold: (n,) float64, the score from which on a prediction counts at this point; None
            where there is none.
    """

    x: np.ndarray
    y: np.ndarray
    threshold: np.ndarray | None = None


@dataclass(frozen=True)
class Curves:
    """Lines in one plot, by name.

    Attributes:
        x_label, y_label: what the axes show.
        lines: name (of a class, mostly) -> Curve.
        title: of the plot.
    """

    x_label: str
    y_label: str
    lines: Mapping[str, Curve]
    title: str


Detail = Matrix | Curves
