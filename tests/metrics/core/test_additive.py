import numpy as np
import pytest

from densefit.errors import CheckpointError
from densefit.metrics import Metric
from densefit.metrics.core.additive import AdditiveMetric


class Errors(AdditiveMetric):
    """Sums of errors by class, with a count."""

    name = primary = "errors"

    def __init__(self, classes=2):
        super().__init__({"sums": ((classes,), float), "hits": ((classes,), int), "n": ((), int)})

    def update(self, predictions, targets, ids):
        self.sums += predictions
        self.hits += targets
        self.n += len(ids)

    def compute(self):
        return {"errors": float(self.sums.sum() / self.n)}


def filled():
    metric = Errors()
    metric.update(np.array([0.5, 0.1]), np.array([1, 2]), ["a", "b"])
    return metric


def test_fields_begin_at_zero_in_64_bits():
    metric = Errors()
    assert (metric.sums.dtype, metric.hits.dtype, metric.n) == (np.float64, np.int64, 0)
    assert type(metric.n) is int
    filled = metric.fresh()
    filled.n += 1
    assert metric.n == 0


def test_merging_adds_every_field():
    metric, other = filled(), filled()
    metric.merge(other)
    np.testing.assert_array_equal(metric.sums, [1.0, 0.2])
    np.testing.assert_array_equal(metric.hits, [2, 4])
    assert metric.n == 4
    np.testing.assert_array_equal(other.sums, [0.5, 0.1])


def test_a_state_is_a_copy_in_the_order_of_the_fields():
    metric = filled()
    state = metric.state_dict()
    assert list(state)[:3] == ["sums", "hits", "n"]
    metric.update(np.ones(2), np.ones(2, int), ["c"])
    loaded = Errors()
    loaded.load_state_dict(state)
    loaded.update(np.ones(2), np.ones(2, int), ["c"])
    np.testing.assert_array_equal(state["sums"], [0.5, 0.1])
    np.testing.assert_array_equal(loaded.sums, metric.sums)
    assert (type(loaded.n), loaded.n) == (int, 3)


def test_a_state_of_other_shapes_changes_nothing():
    metric = filled()
    state = {"sums": np.zeros(2), "hits": np.zeros(3, int), "n": 1}
    with pytest.raises(CheckpointError, match=r"'errors' has other shapes(?s:.*)hits \(3,\)"):
        metric.load_state_dict(state)
    assert metric.n == 2
    with pytest.raises(CheckpointError, match="a key 'n'"):
        metric.load_state_dict({"sums": np.zeros(2), "hits": np.zeros(2)})


def test_it_is_a_metric_that_says_it_is_additive():
    assert Errors.additive
    assert issubclass(Errors, Metric)
