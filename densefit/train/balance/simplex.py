"""The least value of a length plus a linear function, over all convex combinations."""

from __future__ import annotations

import numpy as np

STEPS = 2000
GAP = 1e-9  # how far from the least value the found one may be, of the problem's scale


def least_on_simplex(
    gram: np.ndarray, slope: np.ndarray, factor: float, smooth: float
) -> np.ndarray:
    """The w >= 0 that adds up to 1 and minimises `w.slope + factor sqrt(w.gram.w + smooth^2)`.

    The function is convex. From the middle, weight moves from the coordinate that gains most by
    giving to the one that gains most by taking, by the amount that is best for the two (in
    closed form), until no exchange can gain anything. Two coordinates need one step.

    Args:
        gram: (n, n) positive semidefinite.
        slope: (n,).
        factor: above 0.
        smooth: above 0.

    Returns:
        (n,) float64.
    """
    count = len(gram)
    w = np.full(count, 1.0 / count)
    scale = np.abs(slope).max() + factor * np.sqrt(gram.diagonal().max())
    for _ in range(STEPS):
        along = gram @ w
        length = np.sqrt(max(w @ along, 0.0) + smooth**2)
        gradient = slope + factor * along / length
        if gradient @ w - gradient.min() <= GAP * scale:  # bounds the distance from the least
            break
        to = int(gradient.argmin())
        source = int(np.where(w > 0, gradient, -np.inf).argmax())
        moved = best_exchange(
            slope[to] - slope[source],
            factor,
            length**2,
            along[to] - along[source],
            gram[to, to] + gram[source, source] - 2 * gram[to, source],
        )
        moved = min(moved, w[source])
        w[to] += moved
        w[source] -= moved
    return w


def best_exchange(linear: float, factor: float, p: float, q: float, r: float) -> float:
    """The t that minimises `linear t + factor sqrt(p + 2 q t + r t^2)`; infinite if none does.

    The derivative is zero where y = q + r t has `y / sqrt(y^2 + d) = -linear / (factor sqrt(r))`,
    d = p r - q^2.
    """
    if r <= 0.0:
        return np.inf if linear < 0 else 0.0
    pull = -linear / (factor * np.sqrt(r))
    if abs(pull) >= 1.0:
        return np.inf if pull > 0 else 0.0
    rest = max(p * r - q * q, 0.0)
    return float((pull * np.sqrt(rest / (1.0 - pull * pull)) - q) / r)
