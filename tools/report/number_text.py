"""Text of a score."""

from __future__ import annotations

import math


def format_score(value: float) -> str:
    """Format with four decimals; a dash for an undefined score, e.g. AP without ground truth.

    >>> format_score(0.5), format_score(0.00001), format_score(float("nan"))
    ('0.5000', '1.0e-05', '-')
    """
    if math.isnan(value):
        return "-"
    return f"{value:.1e}" if 0 < abs(value) < 5e-5 else f"{value:.4f}"
