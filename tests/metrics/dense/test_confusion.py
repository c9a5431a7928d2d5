import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sklearn

from densefit.errors import CheckpointError, ConfigError, DataError
from densefit.metrics import BoundaryIoU, ConfusionMatrix
from densefit.metrics.dense.confusion import (
    absent_classes,
    class_accuracy,
    dice,
    frequency_weighted_iou,
    iou,
    kappa,
    pixel_accuracy,
)


def masks(shape=(40, 50), classes=5, seed=0, dtype=np.uint8):
    r = np.random.default_rng(seed)
    prediction = r.integers(0, classes, shape).astype(dtype)
    target = r.integers(0, classes, shape).astype(dtype)
    target[r.random(shape) < 0.1] = 255
    return prediction, target


def test_absent_classes():
    # Class 0 half right, 1 only predicted, 2 nowhere, 3 only true.
    matrix = np.array([[2, 2, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [4, 0, 0, 0]])
    np.testing.assert_array_equal(iou(matrix), [2 / 8, 0.0, np.nan, 0.0])
    np.testing.assert_array_equal(dice(matrix), [4 / 10, 0.0, np.nan, 0.0])
    np.testing.assert_array_equal(class_accuracy(matrix), [0.5, np.nan, np.nan, 0.0])
    assert pixel_accuracy(matrix) == 0.25
    assert frequency_weighted_iou(matrix) == 0.125
    assert absent_classes(matrix) == 1
    metric = ConfusionMatrix(4)
    metric.matrix = matrix
    numbers = metric.compute()
    assert numbers["mIoU"] == pytest.approx(0.25 / 3)
    assert numbers["Dice"] == pytest.approx(0.4 / 3)
    assert numbers["mean_accuracy"] == 0.25


@settings(derandomize=True, deadline=None, max_examples=40)
@given(arrays(np.int64, st.integers(2, 5).map(lambda k: (k, k)), elements=st.integers(0, 6)))
def test_numbers_equal_sklearn_and_a_loop(matrix):
    classes = len(matrix)
    pixels = [(t, p) for t in range(classes) for p in range(classes) for _ in range(matrix[t, p])]
    assume(pixels)
    true, guess = np.array(pixels).T
    labels = dict(labels=range(classes), average=None, zero_division=0)
    seen = np.isin(range(classes), pixels)
    there = np.isin(range(classes), true)
    for ours, theirs, defined in (
        (iou(matrix), sklearn.jaccard_score(true, guess, **labels), seen),
        (dice(matrix), sklearn.f1_score(true, guess, **labels), seen),
        (class_accuracy(matrix), sklearn.recall_score(true, guess, **labels), there),
    ):
        np.testing.assert_allclose(ours, np.where(defined, theirs, np.nan), rtol=1e-14)
    assert pixel_accuracy(matrix) == pytest.approx(sklearn.accuracy_score(true, guess), rel=1e-14)
    assert absent_classes(matrix) == classes - seen.sum()
    weighted = sum(np.mean(true == k) * iou(matrix)[k] for k in range(classes) if there[k])
    assert frequency_weighted_iou(matrix) == pytest.approx(weighted, rel=1e-13)
    if seen.sum() > 1:  # else chance agrees everywhere, and both divide 0 by 0
        theirs = sklearn.cohen_kappa_score(true, guess)
        assert kappa(matrix) == pytest.approx(theirs, rel=1e-12, abs=1e-15)
    else:
        assert np.isnan(kappa(matrix))


def test_nothing_counted_is_undefined():
    empty = np.zeros((2, 2), np.int64)
    for number in (pixel_accuracy, frequency_weighted_iou, kappa, absent_classes):
        assert np.isnan(number(empty))


def test_kappa_of_more_pixels_than_int64_can_square():
    matrix = np.array([[20, 5], [10, 15]])
    assert kappa(matrix * 10**12) == kappa(matrix) == 0.4


def test_what_the_metric_tells():
    metric = ConfusionMatrix(["sky", "road", "car", "tree", "sign"])
    pairs = [masks(seed=seed, shape=(20 + seed, 30)) for seed in range(3)]
    metric.update([p for p, _ in pairs], [t for _, t in pairs], ["a", "b", "c"])
    p = np.concatenate([p.ravel() for p, _ in pairs])
    t = np.concatenate([t.ravel() for _, t in pairs])
    p, t = p[t < 255], t[t < 255]
    numbers = metric.compute()
    per_class = {
        "IoU": sklearn.jaccard_score(t, p, average=None),
        "Dice": sklearn.f1_score(t, p, average=None),
        "accuracy": sklearn.recall_score(t, p, average=None),
    }
    for key, values in per_class.items():
        ours = [numbers[f"{key}/{name}"] for name in metric.classes]
        assert ours == pytest.approx(values, rel=1e-14)
    assert numbers["mIoU"] == pytest.approx(per_class["IoU"].mean())
    assert numbers["Dice"] == pytest.approx(per_class["Dice"].mean())
    assert numbers["mean_accuracy"] == pytest.approx(per_class["accuracy"].mean())
    assert numbers["pixel_accuracy"] == pytest.approx((p == t).mean())
    assert numbers["kappa"] == pytest.approx(sklearn.cohen_kappa_score(t, p))
    assert numbers["fwIoU"] == frequency_weighted_iou(metric.matrix)
    assert numbers["absent_classes"] == 0.0
    assert len(numbers) == 7 + 3 * 5
    shown = metric.details()["confusion"]
    assert (shown.names, shown.what) == (metric.classes, "pixels")
    np.testing.assert_array_equal(shown.counts, sklearn.confusion_matrix(t, p))


def test_is_not_the_mean_of_the_images_miou():
    one, two = np.zeros((1, 10), np.uint8), np.uint8([[0] * 9 + [1]])
    metric = ConfusionMatrix(2)
    metric.update([one, one], [one, two], ["a", "b"])
    assert metric.compute()["mIoU"] == pytest.approx(19 / 20 / 2)


def test_float_labels_and_one_array():
    prediction, target = masks((2, 8, 9))
    whole, listed = ConfusionMatrix(5), ConfusionMatrix(5)
    whole.update(prediction, target.astype(np.float32), ["a", "b"])
    listed.update(list(prediction), list(target), ["a", "b"])
    np.testing.assert_array_equal(whole.matrix, listed.matrix)


def test_shapes_that_differ_name_the_sample():
    with pytest.raises(DataError, match="sample 'b'") as error:
        ConfusionMatrix(2).update(
            [np.zeros((2, 2), int)] * 2, [np.zeros((2, 2), int), np.zeros((4, 4), int)], ["a", "b"]
        )
    assert "(2, 2)" in error.value.received
    with pytest.raises(DataError, match="1 predictions, 2 targets"):
        ConfusionMatrix(2).update(np.zeros((1, 2, 2)), np.zeros((2, 2, 2)), ["a", "b"])


def test_a_prediction_beyond_the_classes_names_the_sample():
    good, bad = np.zeros((2, 2), int), np.full((2, 2), 2)
    with pytest.raises(DataError, match="A prediction is not a class index") as error:
        ConfusionMatrix(2).update([good, bad], [good, good], ["a", "b"])
    assert (error.value.received, error.value.where) == ("2", "sample 'b'")
    with pytest.raises(DataError, match="The predictions are not class indices") as error:
        ConfusionMatrix(2).update([good, bad + 0.5], [good, good], ["a", "b"])
    assert error.value.where == "sample 'b'"


def test_classes_must_fit(older):
    with pytest.raises(ConfigError, match="more than once"):
        ConfusionMatrix(["a", "b", "a"])
    with pytest.raises(ConfigError, match="at least one class"):
        ConfusionMatrix(0)
    with pytest.raises(ConfigError, match="one string"):
        ConfusionMatrix("cat")
    with pytest.raises(ConfigError, match="cannot be merged"):
        ConfusionMatrix(["a", "b"]).merge(ConfusionMatrix(["a", "c"]))
    with pytest.raises(CheckpointError, match=r"\(3, 3\)"):
        ConfusionMatrix(2).load_state_dict(older(ConfusionMatrix(3).state_dict()))


@pytest.mark.parametrize("kind", [ConfusionMatrix, BoundaryIoU])
def test_a_class_is_not_ignored_by_default(kind):
    with pytest.raises(ConfigError, match="255, the default, is one of the 256 classes"):
        kind(256)
    truth = np.arange(256).reshape(16, 16)
    for ignore in (None, 65535, -1):
        metric = kind(256, ignore)
        metric.update([truth], [truth], ["a"])
        assert metric.compute()[metric.primary] == 1.0
        assert metric.compute()[f"{metric.primary.replace('mIoU', 'IoU')}/255"] == 1.0
    assert kind(255).ignore_label == 255
    assert kind(256, 3).ignore_label == 3  # who says so means it


def test_one_hot_maps_are_no_class_indices():
    labels = np.random.default_rng(0).integers(0, 4, (5, 6))
    hot = np.eye(4, dtype=np.uint8)[labels]
    for truth, axis in ((hot, 2), (hot.transpose(2, 0, 1), 0)):
        with pytest.raises(DataError, match=f"axis={axis}") as error:
            ConfusionMatrix(4).update([truth], [truth], ["a"])
        assert error.value.where == "sample 'a'"
    volume = np.stack([labels] * 4)
    metric = ConfusionMatrix(4)
    metric.update([volume], [volume], ["a"])
    assert metric.matrix.sum() == volume.size


def test_labels_that_count_from_one():
    with pytest.raises(DataError, match="count from 1") as error:
        ConfusionMatrix(3).update([[[0, 1, 2]]], [[[1, 2, 3]]], ["a"])
    assert error.value.received == "3"
    with pytest.raises(DataError, match="number of classes"):
        ConfusionMatrix(3).update([[[0, 1, 2]]], [[[0, 2, 3]]], ["a"])
