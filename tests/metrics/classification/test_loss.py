import numpy as np
import pytest
from sklearn.metrics import log_loss

from densefit.errors import DataError
from densefit.metrics import CrossEntropy, Mean


def probabilities(shape, seed=0):
    logits = np.random.default_rng(seed).normal(size=shape)
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


def of(metric, predictions, targets):
    metric.update(predictions, targets, [str(i) for i in range(len(predictions))])
    return metric.compute()[metric.primary]


def test_cross_entropy_equals_sklearn():
    p, labels = probabilities((50, 4)), np.random.default_rng(1).integers(0, 4, 50)
    assert of(CrossEntropy(), p, labels) == pytest.approx(log_loss(labels, p, labels=range(4)))
    assert not CrossEntropy.higher_is_better


def test_cross_entropy_of_dense_predictions():
    p, labels = probabilities((2, 3, 4, 5)), np.random.default_rng(1).integers(0, 3, (2, 4, 5))
    labels[1, 2:] = 255
    valid = labels != 255
    expected = log_loss(labels[valid], np.moveaxis(p, 1, -1)[valid], labels=range(3))
    assert of(CrossEntropy(ignore_label=255), p, labels) == pytest.approx(expected)


def test_probability_zero_is_not_infinite():
    assert of(CrossEntropy(), np.array([[0.0, 1.0]]), [0]) == pytest.approx(-np.log(1e-12))


def test_nan_stays_nan():
    assert np.isnan(of(CrossEntropy(), np.array([[np.nan, 1.0]]), [0]))


@pytest.mark.parametrize(
    ("predictions", "targets", "message"),
    [
        ([[3.0, -1.0]], [0], "softmax"),
        ([[3.0, -1.0]], [1], "not probabilities"),
        ([0.5], [0], "all classes"),
        ([[0.5, 0.5]], [2], "sample '0'"),
        ([[0.5, 0.5]], [[1, 1]], "not one-hot"),
        ([[0.5, 7.5]], [0], "softmax"),
    ],
)
def test_what_does_not_fit_is_an_error(predictions, targets, message):
    with pytest.raises(DataError, match=message):
        of(CrossEntropy(), np.array(predictions), np.array(targets))


def test_mean_is_over_samples():
    metric = Mean("loss")
    metric.update(np.float32([1, 2, 3, 4]), None, list("abcd"))
    metric.update(np.float32([10]), None, ["e"])
    assert metric.compute() == {"loss": 4.0}
    assert metric.primary == "loss"
    assert not metric.higher_is_better
    assert Mean("gain", higher_is_better=True).higher_is_better


def test_mean_of_maps_is_first_within_the_sample():
    assert of(Mean(), np.array([[[0.0, 2.0]], [[3.0, 3.0]]]), None) == 2.0
    with pytest.raises(DataError, match="one row for each sample"):
        Mean().update(np.zeros(1), None, ["a", "b"])


def test_sums_do_not_stick_as_in_float32():
    metric = Mean()
    metric.total, metric.count = float(2**24), 2**24
    metric.update(np.float32([1.0]), None, ["a"])
    assert metric.total == 2**24 + 1
