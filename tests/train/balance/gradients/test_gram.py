import math

import numpy as np
import pytest

from densefit.train.balance.gradients.gram import COLUMNS, gram_matrix


@pytest.mark.parametrize("columns", [0, 1, 7, COLUMNS, COLUMNS + 3, 2 * COLUMNS + 1])
def test_it_is_every_row_times_every_row(columns):
    rows = np.random.default_rng(0).normal(size=(3, columns)).astype(np.float32)
    expected = [[math.fsum(float(x) * float(y) for x, y in zip(a, b)) for b in rows] for a in rows]
    np.testing.assert_allclose(gram_matrix(rows), expected, rtol=1e-12, atol=1e-9)


def test_what_nearly_cancels_keeps_its_sign():
    ones = np.ones(3 * COLUMNS, np.float32)
    other = ones.copy()
    other[1::2] = -1
    other[0] -= 1e-3  # in float32 sums this would drown
    assert gram_matrix(np.stack([ones, 1e4 * other]))[0, 1] == pytest.approx(-10, rel=1e-3)


def test_what_is_not_finite_shows_on_the_diagonal():
    rows = np.ones((3, 4), np.float32)
    rows[1, 2], rows[2, 0] = np.nan, np.inf
    assert np.isfinite(gram_matrix(rows).diagonal()).tolist() == [True, False, False]
