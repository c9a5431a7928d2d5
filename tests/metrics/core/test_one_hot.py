import numpy as np
import pytest
from sklearn.metrics import f1_score

from densefit.errors import DataError
from densefit.metrics import (
    F1,
    Accuracy,
    CalibrationError,
    CrossEntropy,
    PerSample,
    TopK,
)
from densefit.metrics.core.one_hot import class_labels, is_one_hot

N, K = 40, 10


def ids(n=N):
    return [f"{i:02d}" for i in range(n)]


def of(metric, predictions, targets):
    metric.update(predictions, targets, ids(len(targets)))
    return metric.compute()[metric.primary]


@pytest.fixture
def data():
    """(probabilities, class indices)."""
    r = np.random.default_rng(0)
    raw = r.random((N, K))
    return raw / raw.sum(1, keepdims=True), r.integers(0, K, N)


WHOLE = {
    "votes": lambda p: np.rint(20 * p),
    "integers": lambda p: np.rint(20 * p).astype(int),
    "saturated": lambda p: np.eye(K)[p.argmax(1)],
    "saturated float32": lambda p: np.eye(K, dtype=np.float32)[p.argmax(1)],
}


@pytest.mark.parametrize(
    "make",
    [Accuracy, lambda: F1(K), lambda: TopK(3), CrossEntropy, CalibrationError],
    ids=["accuracy", "f1", "top_k", "cross_entropy", "calibration"],
)
@pytest.mark.parametrize("dtype", [np.float32, np.int64, bool])
def test_one_hot_rows_score_as_their_indices(data, make, dtype, caplog):
    scores, labels = data
    assert of(make(), scores, np.eye(K, dtype=dtype)[labels]) == of(make(), scores, labels)
    assert not caplog.records


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("make", [Accuracy, lambda: F1(K)], ids=["accuracy", "f1"])
def test_scores_may_be_whole_numbers(data, make, kind, caplog):
    scores, labels = WHOLE[kind](data[0]), data[1]
    assert of(make(), scores, np.eye(K)[labels]) == of(make(), scores, labels)
    assert "one_hot=True" in caplog.text


def test_all_wrong_is_zero_and_all_right_is_one():
    labels = np.arange(N) % K
    truth, wrong = np.eye(K)[labels], np.eye(K)[(labels + 1) % K]
    assert of(Accuracy(), wrong, truth) == 0.0
    assert of(Accuracy(), truth, truth) == 1.0
    assert of(F1(K), wrong, truth) == f1_score(labels, (labels + 1) % K, average="macro") == 0.0
    metric = PerSample(Accuracy())
    of(metric, wrong, truth)
    assert set(metric.values.values()) == {0.0}


def test_maps_of_one_hot_channels(data):
    r = np.random.default_rng(1)
    scores, labels = r.random((3, 4, 5, 6)), r.integers(0, 4, (3, 5, 6))
    truth = np.moveaxis(np.eye(4)[labels], -1, 1)
    assert of(Accuracy(), scores, truth) == of(Accuracy(), scores, labels)
    assert of(F1(4), scores, truth) == of(F1(4), scores, labels)


def test_matrices_of_class_indices_stay_so(caplog):
    r = np.random.default_rng(2)
    for kind in (np.int64, np.float32):
        found, truth = (r.integers(0, 3, (N, 5)).astype(kind) for _ in range(2))
        assert of(Accuracy(), found, truth) == (found == truth).mean()
        expected = f1_score(truth.ravel(), found.ravel(), average="macro")
        assert of(F1(3), found, truth) == pytest.approx(expected)
    assert not caplog.records


def test_what_was_seen_decides_on_what_is_in_doubt(data, caplog):
    scores, labels = data
    truth, saturated = np.eye(K)[labels], np.eye(K)[scores.argmax(1)]
    metric = Accuracy()
    metric.update(scores, truth, ids())
    metric.update(saturated, truth, ids())
    assert metric.compute()["accuracy"] == (scores.argmax(1) == labels).mean()
    matrices = Accuracy()
    matrices.update(np.zeros((2, 3)), np.ones((2, 3)), ids(2))
    matrices.update(np.eye(3)[[0, 1]], np.eye(3)[[1, 0]], ids(2))
    assert (matrices.total, matrices.count) == (2, 12)
    assert not caplog.records


def test_the_setting_decides(caplog):
    found, truth = np.eye(3)[[0, 1]], np.eye(3)[[1, 1]]
    assert of(Accuracy(one_hot=True), found, truth) == 0.5
    assert of(Accuracy(one_hot=False), found, truth) == 4 / 6
    assert of(F1(3, one_hot=True), found, truth) != of(F1(3, one_hot=False), found, truth)
    assert not caplog.records


def test_predictions_that_are_no_scores_are_told_and_read_as_indices(caplog):
    found, truth = np.array([[1, 1, 0], [0, 0, 0]]), np.eye(3)[[1, 1]]
    assert of(Accuracy(), found, truth) == 4 / 6
    assert "matrices of class indices" in caplog.text


def test_a_guess_that_turns_out_wrong_is_an_error():
    metric = Accuracy()
    metric.update(np.eye(3)[[0]], np.eye(3)[[1]], ids(1))
    with pytest.raises(DataError, match="one_hot=False"):
        metric.update(np.zeros((1, 3)), np.ones((1, 3)), ids(1))


def test_labels_given_as_probabilities():
    scores = np.full((2, 3), 1 / 3)
    soft = np.array([[0, 1, 0], [0.25, 0.5, 0.25]])
    for metric in (TopK(1), CrossEntropy(), CalibrationError()):
        with pytest.raises(DataError, match="are these probabilities") as error:
            metric.update(scores, soft, ids(2))
        assert error.value.where == "sample '01'"
    for metric in (Accuracy(), F1(3)):
        with pytest.raises(DataError):
            metric.update(scores, soft, ids(2))
    with pytest.raises(DataError, match="sample '00'"):
        class_labels(scores, np.array([[1, 1, 0], [0, 1, 0]]), ids(2))


def test_is_one_hot():
    assert is_one_hot(np.eye(4))
    assert not is_one_hot(np.ones((3, 1)))
    assert not is_one_hot(np.zeros((3, 2)))
    assert not is_one_hot(np.array([[2, -1]]))
