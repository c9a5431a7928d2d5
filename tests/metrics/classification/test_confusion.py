import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, recall_score

from densefit.errors import DataError
from densefit.metrics import ClassConfusion


def updated(scores, labels, **settings):
    metric = ClassConfusion(["a", "b", "c", "d"], **settings)
    metric.update(scores, labels, [str(row) for row in range(len(labels))])
    return metric


def test_equals_scikit_learn():
    r = np.random.default_rng(0)
    scores, labels = r.random((90, 4)), r.integers(0, 3, 90)  # none of the class d
    metric, predicted = updated(scores, labels), scores.argmax(axis=1)
    matrix = metric.details()["confusion"]
    assert (matrix.counts == confusion_matrix(labels, predicted, labels=range(4))).all()
    assert (matrix.names, matrix.what) == (["a", "b", "c", "d"], "samples")
    numbers = metric.compute()
    with pytest.warns(UserWarning, match="not in y_true"):
        expected = balanced_accuracy_score(labels, predicted)
    np.testing.assert_allclose(numbers["balanced_accuracy"], expected)
    recall = recall_score(labels, predicted, labels=range(4), average=None, zero_division=np.nan)
    np.testing.assert_allclose([numbers[f"recall/{name}"] for name in "abcd"], recall)


def test_ignored_samples_count_nowhere():
    metric = updated(np.eye(4), np.array([0, 1, 255, 0]), ignore_label=255)
    assert metric.matrix.sum() == 3
    assert metric.matrix[0, 3] == 1


def test_scores_of_another_number_of_classes():
    with pytest.raises(DataError, match="one score for each class"):
        updated(np.eye(3), np.array([0, 1, 2]))
