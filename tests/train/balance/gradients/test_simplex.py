import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from densefit.train.balance.gradients.simplex import best_exchange, least_on_simplex


def value(w, gram, slope, factor, smooth):
    inner = np.einsum("...i,ij,...j->...", w, gram, w)
    return w @ slope + factor * np.sqrt(np.maximum(inner, 0) + smooth**2)


def grid(count, steps):
    """All convex combinations with weights that are multiples of 1 / steps."""
    axes = np.meshgrid(*[np.arange(steps + 1)] * (count - 1), indexing="ij")
    first = np.stack([axis.ravel() for axis in axes], axis=1)
    first = first[first.sum(axis=1) <= steps]
    return np.hstack([first, steps - first.sum(axis=1, keepdims=True)]) / steps


@pytest.mark.parametrize(("count", "steps"), [(2, 2000), (3, 300), (4, 40)])
def test_no_point_of_a_fine_grid_is_lower(count, steps):
    rng = np.random.default_rng(count)
    points = grid(count, steps)
    for _ in range(20):
        rows = rng.normal(size=(count, 3))
        gram, slope = rows @ rows.T, rng.normal(size=count)
        w = least_on_simplex(gram, slope, 0.4, 1e-6)
        assert w.min() >= 0
        assert w.sum() == pytest.approx(1)
        found = value(w, gram, slope, 0.4, 1e-6)
        lowest = value(points, gram, slope, 0.4, 1e-6).min()
        assert found <= lowest + 1e-8
        assert found >= lowest - 0.1  # it is the same function


@settings(max_examples=60, deadline=None)
@example(7, 7154, -2.0, 0.5)  # many rows of very different lengths: not done in STEPS
@given(st.integers(2, 7), st.integers(0, 2**32 - 1), st.floats(-3, 3), st.floats(0.01, 0.99))
def test_no_exchange_of_weight_gains_anything(count, seed, power, factor):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, 4)) * 10.0 ** (power * rng.uniform(-1, 1, size=(count, 1)))
    gram = rows @ rows.T / np.abs(rows).max() ** 2
    slope = gram.mean(axis=1)
    w = least_on_simplex(gram, slope, factor, 1e-6)
    found = value(w, gram, slope, factor, 1e-6)
    for to in range(count):
        for source in range(count):
            for part in (1e-3, 0.1, 1.0):
                other = w.copy()
                other[to] += part * w[source]
                other[source] -= part * w[source]
                assert value(other, gram, slope, factor, 1e-6) >= found - 1e-5


def test_one_coordinate_alone_has_all_the_weight():
    assert least_on_simplex(np.array([[2.0]]), np.array([5.0]), 0.4, 1e-6).tolist() == [1.0]


def test_an_exchange_is_the_best_on_its_line():
    rng = np.random.default_rng(0)
    for _ in range(50):
        linear, factor = rng.normal(), rng.uniform(0.1, 2)
        a, b = rng.normal(size=(2, 3))
        p, q, r = a @ a, a @ b, b @ b
        best = best_exchange(linear, factor, p, q, r)
        steep = factor * np.sqrt(r)
        if abs(linear) >= steep:
            assert best == (np.inf if linear < 0 else 0.0)
            continue
        t = best + np.linspace(-1, 1, 201)
        values = linear * t + factor * np.sqrt(p + 2 * q * t + r * t * t)
        assert values.argmin() == 100
