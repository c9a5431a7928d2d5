import time

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, top_k_accuracy_score

from densefit.errors import ConfigError, DataError
from densefit.metrics import Accuracy, TopK
from densefit.metrics.classification.accuracy import rank
from tests.executor import engine_array


def ids(n):
    return [str(i) for i in range(n)]


def of(metric, predictions, targets):
    metric.update(predictions, targets, ids(len(targets)))
    return metric.compute()[metric.primary]


@pytest.fixture
def scored():
    r = np.random.default_rng(0)
    return r.random((200, 10), np.float32), r.integers(0, 10, 200)


def test_equals_sklearn(scored):
    scores, labels = scored
    expected = accuracy_score(labels, scores.argmax(1))
    assert of(Accuracy(), scores, labels) == expected
    assert of(Accuracy(), list(scores), labels.astype(np.float32)) == expected
    assert of(Accuracy(), engine_array(scores), engine_array(labels)) == expected
    assert of(Accuracy(), scores.argmax(1), labels) == expected
    assert of(Accuracy(), scores, labels[:, None]) == expected


@pytest.mark.parametrize("k", [1, 2, 5, 9])
def test_top_k_equals_sklearn(scored, k):
    scores, labels = scored
    assert of(TopK(k), scores, labels) == top_k_accuracy_score(labels, scores, k=k)
    assert list(TopK(k).compute()) == [f"top{k}"]


def test_rank_is_the_place_in_a_stable_sort():
    r = np.random.default_rng(1)
    scores = r.integers(0, 4, (300, 7)).astype(np.float32)  # many ties
    labels = r.integers(0, 7, 300)
    order = np.argsort(-scores, axis=1, kind="stable")
    expected = (order == labels[:, None]).argmax(1)
    np.testing.assert_array_equal(rank(scores, labels), expected)
    assert of(TopK(1), scores, labels) == of(Accuracy(), scores, labels)


def test_equal_scores_do_not_make_everything_right():
    scores, labels = np.zeros((10, 10)), np.arange(10)
    assert of(Accuracy(), scores, labels) == 0.1
    assert of(TopK(3), scores, labels) == 0.3


def test_nan_scores_are_wrong_and_not_a_class():
    scores = np.array([[np.nan, np.nan], [0.2, np.nan], [1.0, 0.0]])
    labels = np.array([0, 0, 0])
    assert of(Accuracy(), scores, labels) == 1 / 3
    assert of(TopK(1), scores, labels) == 1 / 3


def test_void_does_not_count():
    labels = np.array([1, 1, 255, 255])
    scores = np.eye(2)[[1, 1, 0, 0]]
    assert of(Accuracy(ignore_label=255), scores, labels) == 1.0
    assert of(TopK(1, ignore_label=255), scores, labels) == 1.0


def test_mxnets_accuracy_gives_points_for_nan_and_counts_void(mx):
    scores = np.array([[np.nan, np.nan], [0.2, np.nan], [1.0, 0.0]])
    void = np.eye(2)[[1, 1, 0, 0]], np.array([1, 1, 255, 255])
    values = []
    for predictions, labels in ((scores, np.zeros(3)), void):
        theirs = mx.metric.Accuracy()
        theirs.update([mx.nd.array(labels)], [mx.nd.array(predictions)])
        values.append(theirs.get()[1])
    assert values[0] > 1 / 3
    assert values[1] == 0.5


def test_only_void_is_undefined():
    assert np.isnan(of(Accuracy(ignore_label=-1), np.eye(2), np.array([-1, -1])))


def test_dense():
    r = np.random.default_rng(2)
    scores = r.random((3, 4, 5, 6))
    labels = r.integers(0, 4, (3, 5, 6))
    labels[0] = 255
    valid = labels != 255
    expected = accuracy_score(labels[valid], scores.argmax(1)[valid])
    assert of(Accuracy(ignore_label=255), scores, labels) == expected
    assert of(Accuracy(ignore_label=255), scores.argmax(1), labels) == expected
    assert of(TopK(1, ignore_label=255), scores, labels) == expected


@pytest.mark.parametrize(
    ("predictions", "targets", "message"),
    [
        (np.zeros((3, 4)), np.zeros((3, 2)), r"\(3, 2\)"),
        (np.zeros((3, 4)), np.zeros(2), r"shape \(2,\)"),
        (np.full(3, 0.7), np.zeros(3), "0.7"),
        (np.zeros((3, 4)), np.array([0, 4, 0]), "sample '1'"),
        (np.zeros((3, 1)), np.array([0, 1, 0]), "0 to 0"),
        (np.zeros((3, 4)), np.array([0, 0.5, 0]), "0.5"),
    ],
)
def test_what_does_not_fit_is_an_error(predictions, targets, message):
    with pytest.raises(DataError, match=message):
        Accuracy().update(predictions, targets, ids(3))


def test_top_k_needs_scores():
    with pytest.raises(DataError, match="scores of all classes"):
        TopK().update(np.zeros(3), np.zeros(3), ids(3))
    with pytest.raises(ConfigError, match="k >= 1"):
        TopK(0)


def test_an_update_is_fast():
    metric, scores = Accuracy(), np.random.default_rng(0).random((128, 10), np.float32)
    labels, names = np.zeros(128, np.float32), ids(128)
    best = np.inf
    for _ in range(50):
        start = time.perf_counter()
        for _ in range(20):
            metric.update(scores, labels, names)
        best = min(best, (time.perf_counter() - start) / 20)
    assert best < 50e-6


@pytest.mark.parametrize(("k", "expected"), [(1, 0.5), (3, 0.75), (5, 0.75)])
def test_nan_scores_are_wrong_however_many_places_count(k, expected):
    scores = np.array([[0.6, 0.1, 0.3], [np.nan, 0.5, 0.2], [0.5, 0.1, 0.2], [0.1, 0.2, 0.3]])
    assert of(TopK(k), scores, np.array([0, 1, 1, 2])) == expected
