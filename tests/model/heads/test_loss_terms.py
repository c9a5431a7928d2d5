"""The losses of a head as numbers."""

import numpy as np
import pytest

from densefit.model.heads.loss_terms import LossTerms


def test_loss_terms():
    metric = LossTerms(["class", "box"])
    assert np.isnan(metric.compute()["loss"])
    metric.update(np.array([[1.0, 2.0], [3.0, 4.0]]), [True] * 2, ["a", "b"])
    other = metric.fresh()
    other.update(np.array([[5.0, 6.0]]), [True], ["c"])
    metric.merge(other)
    assert metric.compute() == {"class": 3.0, "box": 4.0, "loss": 7.0}
    metric.update(np.array([[np.inf, np.nan]]), np.array([False]), ["d"])
    assert metric.compute() == {"class": 3.0, "box": 4.0, "loss": 7.0, "labelled": 3.0}
    twin = metric.fresh()
    twin.load_state_dict(metric.state_dict())
    assert twin.compute() == metric.compute()
    metric.reset()
    metric.update(np.ones((2, 2)), np.zeros(2, bool), ["a", "b"])
    numbers = metric.compute()
    assert numbers.pop("labelled") == 0.0
    assert all(np.isnan(value) for value in numbers.values())  # none, and not 0.0


def test_terms_with_samples_of_their_own():
    """Against the mean of each column over the labelled rows."""
    rng = np.random.default_rng(0)
    losses, has = rng.random((20, 3)), rng.random((20, 3)) < 0.6
    has[:, 2] = True
    losses[~has] = np.nan  # unlabelled losses must not count
    metric, other = LossTerms(["a", "b", "c"], apart=True), LossTerms(["a", "b", "c"], apart=True)
    metric.update(losses[:7], has[:7], [""] * 7)
    other.update(losses[7:], has[7:], [""] * 13)
    metric.merge(other)
    means = np.nanmean(losses, axis=0)
    expected = dict(zip("abc", means), loss=means.sum())
    expected.update({"a/labelled": has[:, 0].sum(), "b/labelled": has[:, 1].sum()})
    assert metric.compute() == pytest.approx(expected)
    twin = metric.fresh()
    twin.load_state_dict(metric.state_dict())
    assert twin.compute() == metric.compute()


def test_the_sum_is_of_the_terms_that_have_samples():
    metric = LossTerms(["a", "b"], apart=True)
    metric.update(np.array([[1.0, 5.0], [3.0, 7.0]]), np.array([[True, False]] * 2), ["x", "y"])
    numbers = metric.compute()
    assert np.isnan(numbers.pop("b"))
    assert numbers == {"a": 2.0, "loss": 2.0, "b/labelled": 0.0}


def test_the_state_of_an_older_checkpoint_has_one_count():
    metric = LossTerms(["a", "b"])
    metric.load_state_dict({"terms": ["a", "b"], "sums": [4.0, 6.0], "count": 2})
    assert metric.compute() == {"a": 2.0, "b": 3.0, "loss": 5.0}


def test_a_term_called_loss_is_in_the_sum():
    metric = LossTerms(["loss", "other"])
    metric.update(np.array([[1.0, 5.0], [3.0, 7.0]]), np.array([True, True]), ["x", "y"])
    assert metric.compute() == {"loss": 8.0, "other": 6.0}
