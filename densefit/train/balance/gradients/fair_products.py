"""Factors whose products with the Gram matrix are given powers of themselves."""

from __future__ import annotations

import numpy as np

from densefit.train.balance.gradients.gram_geometry import cosines

STEPS = 200
DONE = 1e-22  # of Newton's decrement, against the number of heads
RIDGE = 1e-10  # on the cosines: gradients that cancel have no finite factors


def fair_factors(gram: np.ndarray, power: float) -> np.ndarray:
    """Find w > 0 with `gram w = w^-power`, up to a factor, with mean 1.

    It is the least point of the convex function `w.gram.w / 2 - sum_i integral(w_i^-power)`, found
    by Newton's method with steps that stay inside. Of gradients that can cancel, which have no
    such factors, those that cancel them are the limit.

    >>> fair_factors(np.array([[1.0, 0.0], [0.0, 4.0]]), 1.0).round(6).tolist()
    [1.333333, 0.666667]

    Args:
        gram: (n, n), with a diagonal above 0.
        power: above 0.

    Returns:
        (n,) float64.
    """
    angles, lengths = cosines(gram)
    angles = angles + RIDGE * np.eye(len(gram))
    # In units of the lengths: y = lengths w.
    scale = (lengths / lengths.max()) ** (power - 1)
    y = np.ones(len(gram))

    def value(y: np.ndarray) -> float:
        inner = np.log(y) if power == 1 else y ** (1 - power) / (1 - power)
        return float(y @ angles @ y / 2 - scale @ inner)

    for _ in range(STEPS):
        slope = angles @ y - scale * y**-power
        bend = angles + np.diag(scale * power * y ** (-power - 1))
        step = -np.linalg.solve(bend, slope)
        fall = -float(slope @ step)
        if fall <= DONE * len(gram):
            break
        backward = step < 0
        most = 0.95 * (y[backward] / -step[backward]).min() if backward.any() else 1.0
        size, now = min(1.0, most), value(y)
        while size > 1e-12 and value(y + size * step) > now - 0.1 * size * fall:
            size /= 2
        if size <= 1e-12:  # rounding errors are larger than what is left to gain
            break
        y = y + size * step
    w = y / lengths
    return np.asarray(len(w) * w / w.sum())
