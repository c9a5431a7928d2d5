import numpy as np
import pytest

from densefit.errors import DataError
from densefit.metrics import FunctionMetric
from tests.executor import engine_array


def top1(label, pred):
    return (pred.argmax(axis=1) == label).mean()


def run(function, predictions, targets, cuts=(), **settings):
    metric = FunctionMetric(function, **settings)
    edges = [0, *cuts, 5]
    for first, last in zip(edges, edges[1:]):
        part = [
            tuple(v[first:last] for v in values)
            if isinstance(values, tuple)
            else values[first:last]
            for values in (predictions, targets)
        ]
        metric.update(*part, [str(i) for i in range(first, last)])
    return metric.compute()


def test_is_a_mean_over_samples_whatever_the_batches():
    scores, labels = np.eye(3)[[0, 1, 2, 0, 1]], np.array([0, 1, 0, 0, 0])
    whole = run(top1, scores, labels)
    assert whole == {"top1": 0.6}
    assert run(top1, scores, labels, cuts=(1, 4)) == whole
    assert run(top1, engine_array(scores), labels.tolist()) == whole


def test_mxnets_is_a_mean_over_batches(mx):
    scores, labels = np.eye(3)[[0, 1, 2, 0, 1]], np.array([0, 1, 0, 0, 0])
    theirs = mx.metric.CustomMetric(top1)
    for part in (slice(0, 4), slice(4, 5)):
        theirs.update([mx.nd.array(labels[part])], [mx.nd.array(scores[part])])
    assert theirs.get()[1] == 0.375


def test_sum_and_count():
    pairs = np.arange(10).reshape(5, 2)
    assert run(lambda label, pred: (pred.sum(), pred.size), pairs, pairs) == {"custom": 4.5}


def test_without_targets():
    metric = FunctionMetric(lambda label, pred: float(pred[0]))
    metric.update(np.array([1.0, 3.0]), None, ["a", "b"])
    assert metric.compute() == {"custom": 2.0}


def test_several_arrays():
    def gap(label, pred):
        return float(abs(pred[0] - label[0]).sum() + abs(pred[1] - label[1]).sum())

    predictions = (np.zeros(5), np.ones((5, 2)))
    targets = (np.ones(5), np.ones((5, 2)))
    assert run(gap, predictions, targets, cuts=(2,)) == {"gap": 1.0}


def test_name_and_direction():
    metric = FunctionMetric(top1, key="error", higher_is_better=False)
    assert (metric.name, metric.primary, metric.higher_is_better) == ("error", "error", False)


def test_what_gives_no_number_is_an_error():
    with pytest.raises(DataError, match="sample '0'"):
        run(lambda label, pred: "good", np.zeros(5), np.zeros(5))
    with pytest.raises(DataError, match="'top'"):
        run(lambda label, pred: np.zeros(3), np.zeros(5), np.zeros(5), key="top")
