import sys

import numpy as np

from densefit.metrics import ConfusionMatrix, Depth, PerSample
from densefit.metrics.core.sparse_state import SparseState, restored, vector


def test_a_state_comes_back_from_its_vector():
    metric = Depth(0, 10)
    metric.update([np.full((2, 2), 3.0)], [np.full((2, 2), 2.0)], ["a"])
    state = metric.state_dict()
    back = restored(Depth(0, 10).state_dict(), SparseState(state).vector())
    assert back.keys() == state.keys()
    np.testing.assert_array_equal(back["sums"], state["sums"])
    assert back["images"] == 1
    assert type(back["images"]) is int


def test_nan_is_kept():
    state = {"sums": np.array([0.0, np.nan, 2.0]), "count": 0}
    np.testing.assert_array_equal(SparseState(state).vector(), vector(state))


def test_a_sample_costs_what_it_touches():
    """150 classes: 180 kB a picture, where its few pairs of classes take a few kB."""
    r = np.random.default_rng(0)
    metric = PerSample(ConfusionMatrix(150), keep_states=True)
    for index in range(20):
        truth = np.repeat(r.integers(0, 150, (8, 1)), 20, axis=1)
        metric.update([truth], [truth], [f"{index}"])
    kept = sum(
        sys.getsizeof(part) for one in metric.samples.values() for part in vars(one).values()
    )
    assert kept < 20 * 1000
    dense = metric.state_dict()["samples"][3]["matrix"]
    assert dense.shape == (150, 150)
    assert dense.sum() == 160
