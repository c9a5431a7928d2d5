import numpy as np
import pytest

from densefit.errors import ConfigError, DataError
from densefit.metrics.classification.multilabel_arrays import Coding, scores_and_labels
from tests.executor import engine_array

IDS = ["a", "b"]
SCORES = np.float32([[0.5, 0.25, 0.0], [1.0, 0.0, 0.5]])
LABELS = np.array([[1, 0, 9], [9, 1, 0]])


def of(scores=SCORES, labels=LABELS, ignore_label=9, negative_label=0):
    return scores_and_labels(scores, labels, IDS, 3, Coding(negative_label, ignore_label, "x"))


def test_unknown_is_minus_one():
    scores, labels = of()
    np.testing.assert_array_equal(scores, SCORES)
    assert labels.tolist() == [[1, 0, -1], [-1, 1, 0]]
    assert labels.dtype == np.int8


def test_labels_of_any_kind():
    expected = of()[1]
    for labels in (np.float32(LABELS), list(LABELS), engine_array(LABELS), LABELS.astype(np.uint8)):
        np.testing.assert_array_equal(of(labels=labels)[1], expected)
    np.testing.assert_array_equal(of(labels=LABELS == 1)[1], [[1, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_scores_keep_their_type(kind):
    assert of(SCORES.astype(kind))[0].dtype == kind


def test_whole_scores_become_double():
    assert of(SCORES.astype(np.int64))[0].dtype == np.float64


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        (SCORES[:, :2], LABELS, r"predictions(.|\n)*\(2, 3\)(.|\n)*\(2, 2\)"),
        (SCORES, np.array([0, 2]), r"targets(.|\n)*class indices"),
        (SCORES[:1], LABELS, "one row for each sample"),
        (SCORES, np.where(LABELS == 1, 2, LABELS), r"9 \(unknown\)(.|\n)*2(.|\n)*sample 'a'"),
        (SCORES, np.array([[1, 0, 1], [1, 0, 0.5]]), "sample 'b'"),
        (np.where(SCORES == 1, np.nan, SCORES), LABELS, "nan for class 0(.|\n)*sample 'b'"),
    ],
)
def test_what_is_wrong_is_told(scores, labels, message):
    with pytest.raises(DataError, match=message):
        of(scores, labels)


def test_everything_must_be_known_without_an_ignore_label():
    with pytest.raises(DataError, match=r"1 \(yes\) or 0 \(no\)\n"):
        of(labels=np.array([[1, 0, 0], [0, -1, 0]]), ignore_label=None)


def test_a_label_cannot_be_ignored():
    for label in (None, -1, 255):
        Coding(0, label, "x")
    for negative, label in ((0, 0), (0, 1), (-1, -1), (1, 0)):
        with pytest.raises(ConfigError, match=f"ignore_label={label}, negative_label={negative}"):
            Coding(negative, label, "x")


def test_minus_one_may_say_no():
    labels = np.array([[1, -1, 0], [0, 1, -1]])  # as the files of PASCAL VOC have them
    found = of(labels=labels, ignore_label=0, negative_label=-1)[1]
    assert found.tolist() == [[1, 0, -1], [-1, 1, 0]]
    with pytest.raises(DataError, match="negative_label=-1"):
        of(labels=labels)
