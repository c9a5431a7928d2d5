import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support

from densefit.metrics.core.detail import Curve, Curves
from densefit.metrics.core.operating_point import best_threshold, operating_point

CLASSES = 3
MANY = settings(max_examples=50, deadline=None, derandomize=True)


@MANY
@given(
    st.lists(
        st.tuples(*(st.lists(st.booleans(), min_size=CLASSES, max_size=CLASSES),) * 2), max_size=12
    )
)
def test_equals_sklearn(pairs):
    true = np.array([pair[0] for pair in pairs] + [[False] * CLASSES])  # sklearn wants one row
    found = np.array([pair[1] for pair in pairs] + [[False] * CLASSES])
    numbers = operating_point(
        (true & found).sum(0), (~true & found).sum(0), true.sum(0), list("abc")
    )
    keys = ("precision", "recall", "F1")
    assert list(numbers) == [*keys, *(f"{key}/{name}" for key in keys for name in "abc")]
    assert all(type(value) is float for value in numbers.values())
    together = precision_recall_fscore_support(true, found, average="micro", zero_division=np.nan)
    each = precision_recall_fscore_support(true, found, average=None, zero_division=np.nan)
    for key, whole, values in zip(keys, together, each):
        np.testing.assert_allclose(numbers[key], whole, rtol=1e-15)
        np.testing.assert_allclose([numbers[f"{key}/{n}"] for n in "abc"], values, rtol=1e-15)


def test_what_is_undefined_is_nan():
    nan = float("nan")
    numbers = operating_point([0, 0, 0], [0, 2, 0], [4, 0, 0], ["missed", "invented", "absent"])
    expected = {"missed": (nan, 0.0, 0.0), "invented": (0.0, nan, 0.0), "absent": (nan, nan, nan)}
    for name, values in expected.items():
        got = [numbers[f"{key}/{name}"] for key in ("precision", "recall", "F1")]
        assert got == pytest.approx(values, nan_ok=True)
    assert (numbers["precision"], numbers["recall"], numbers["F1"]) == (0.0, 0.0, 0.0)


def test_large_counts_are_exact():
    many = np.array([2**31 + 1], np.int64)
    assert operating_point(many, many, 2 * many, ["a"])["precision"] == 0.5


def curve(recall, precision, scores):
    return Curve(np.array(recall), np.array(precision), np.array(scores))


def test_the_best_threshold_is_where_the_mean_f1_of_the_classes_is_highest():
    r = np.random.default_rng(0)
    scores = np.sort(r.random(60))[::-1]
    right = r.random((2, 60)) < np.linspace(0.9, 0.1, 60)
    lines, f1 = {}, np.zeros(60)
    for index, own in enumerate(right):
        hits, seen = np.cumsum(own), np.arange(1, 61)
        lines[str(index)] = curve(hits / 40, hits / seen, scores)
        f1 += 2 * hits / (seen + 40)
    assert best_threshold(Curves("", "", lines, "")) == scores[f1.argmax()]


def test_nothing_found_has_no_best_threshold():
    assert best_threshold(Curves("", "", {}, "")) is None
    assert best_threshold(Curves("", "", {"a": curve([], [], [])}, "")) is None
    assert best_threshold(Curves("", "", {"a": curve([0.0], [0.0], [0.5])}, "")) is None
    assert best_threshold(Curves("", "", {"a": Curve(np.ones(1), np.ones(1))}, "")) is None
