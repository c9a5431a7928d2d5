import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.metrics.dense.angles import angles, median_of


def reference(a, b):
    """One angle in degrees by Kahan's formula, in long doubles."""
    a, b = np.asarray(a, np.longdouble), np.asarray(b, np.longdouble)
    one, other = np.sqrt((a * a).sum()), np.sqrt((b * b).sum())
    apart = a * other - b * one
    together = a * other + b * one
    half = np.arctan2(np.sqrt((apart**2).sum()), np.sqrt((together**2).sum()))
    return float(2 * half * 180 / np.longdouble("3.14159265358979323846264338"))


@st.composite
def vectors(draw):
    """(n, 3), some of them near to each other, of wild lengths."""
    r = np.random.default_rng(draw(st.integers(0, 10_000)))
    n = draw(st.integers(1, 12))
    first = r.normal(size=(n, 3))
    near = draw(st.sampled_from([1.0, 1e-3, 1e-9]))
    second = (first + near * r.normal(size=(n, 3))) * r.choice([-1.0, 1.0], (n, 1))
    return first * 10.0 ** r.integers(-8, 8, (n, 1)), second


@settings(derandomize=True, max_examples=40, deadline=None)
@given(vectors())
def test_angles_are_right_to_the_last_digits(pair):
    first, second = pair
    expected = [reference(a, b) for a, b in zip(first, second)]
    np.testing.assert_allclose(angles(first, second), expected, rtol=0, atol=1e-13)


def test_angles_that_are_known():
    z = np.array([0.0, 0.0, 1.0])
    assert angles(z, 5 * z) == 0.0
    assert angles(z, -z) == 180.0
    assert angles(z, np.array([1.0, 0.0, 0.0])) == 90.0
    assert angles(z, np.zeros(3)) == 90.0
    assert angles(np.zeros(3), np.zeros(3)) == 90.0
    tiny = 1e-7  # degrees; the arccos of a double cosine says 0
    turned = np.array([math.sin(math.radians(tiny)), 0.0, math.cos(math.radians(tiny))])
    assert angles(z, turned) == pytest.approx(tiny, rel=1e-12)
    assert angles(1e300 * z, 1e-300 * np.array([1.0, 0.0, 1.0])) == pytest.approx(45.0)
    r = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    assert (angles(r, r) == 0).all()
    assert (angles(r, -r) == 180).all()


def test_the_median_of_a_histogram_interpolates_within_its_bin():
    assert math.isnan(median_of(np.zeros(5, int)))
    assert median_of(np.array([0, 0, 2, 0, 0])) == pytest.approx(45 + 22.5)
    assert median_of(np.array([1, 0, 0, 0, 1])) == pytest.approx((0 + 157.5) / 2)
