"""Matrices and curves of metrics as JSON values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from densefit.metrics.core.detail import Curves, Matrix

_POINTS = 300  # of a line


def matrix_values(matrix: Matrix) -> dict[str, Any]:
    """`names`, `counts` (rows are the truth), `what` is counted."""
    return {"names": matrix.names, "counts": matrix.counts.tolist(), "what": matrix.what}


def curves_values(curves: Curves) -> dict[str, Any]:
    """`title`, `x`, `y` (titles of the axes), `lines`: name -> [[x, ...], [y, ...]]."""
    lines = {}
    for name, curve in curves.lines.items():
        x, y = np.asarray(curve.x, np.float64), np.asarray(curve.y, np.float64)
        rows = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        if len(rows) > _POINTS:
            rows = rows[np.linspace(0, len(rows) - 1, _POINTS).round().astype(int)]
        lines[name] = [[float(f"{value:.6g}") for value in part[rows]] for part in (x, y)]
    return {"title": curves.title, "x": curves.x_label, "y": curves.y_label, "lines": lines}


def number(value: float) -> float | None:
    """A number as JSON has it: null if it is not finite."""
    return float(value) if math.isfinite(value) else None
