"""The table of the engines' parity shows a fault."""

import importlib
import math
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
ROWS = np.array([[[2.0, 0.5, 90.0, 80.0], [1.0, 0.25, 10.0, 20.0]]] * 2)


@pytest.fixture
def parity(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("engine_parity")


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_number_that_is_not_finite_is_an_infinite_difference(parity, number):
    off = ROWS.copy()
    off[0, 0, 1] = number
    for pair in ([{"boxes": ROWS}, {"boxes": off}], [{"boxes": off}, {"boxes": ROWS}]):
        assert parity.difference(pair) == math.inf
    assert parity.largest_of_norms({"w": ROWS}, {"w": off}) == math.inf


def test_scores_are_compared_beside_coordinates(parity):
    off = ROWS.copy()
    off[..., 1] *= 1.01
    assert parity.difference([{"boxes": ROWS}, {"boxes": off}]) == pytest.approx(0.01)


def test_a_parameter_with_a_small_gradient_is_compared(parity):
    gradients = {"large": np.full(9, 100.0), "small": np.ones(9)}
    off = {**gradients, "small": gradients["small"] * 1.1}
    assert parity.largest_of_norms(gradients, off) == pytest.approx(0.1)


@pytest.mark.parametrize("other", [{}, {"a": np.zeros(2)}, {"a": np.zeros(3), "b": np.zeros(3)}])
def test_arrays_of_other_names_or_shapes_are_refused(parity, other):
    with pytest.raises(ValueError, match=r"arrays|shapes"):
        parity.difference([{"a": np.zeros(3)}, other])
