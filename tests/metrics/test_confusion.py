import numpy as np
import pytest
from sklearn.metrics import confusion_matrix as reference
from sklearn.metrics import jaccard_score

from densefit.errors import CheckpointError, ConfigError, DataError
from densefit.metrics import ConfusionMatrix, confusion_matrix
from densefit.metrics.confusion import class_accuracy, iou, pixel_accuracy


def masks(shape=(40, 50), classes=5, seed=0, dtype=np.uint8):
    r = np.random.default_rng(seed)
    prediction = r.integers(0, classes, shape).astype(dtype)
    target = r.integers(0, classes, shape).astype(dtype)
    target[r.random(shape) < 0.1] = 255
    return prediction, target


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64, np.uint16])
@pytest.mark.parametrize("classes", [2, 5, 150])
def test_matrix_equals_sklearn(dtype, classes):
    prediction, target = masks(classes=classes, dtype=dtype)
    valid = target != 255
    expected = reference(target[valid], prediction[valid], labels=range(classes))
    matrix = confusion_matrix(prediction, target, classes)
    np.testing.assert_array_equal(matrix, expected)
    assert matrix.dtype == np.int64


def test_many_classes_and_another_void():
    r = np.random.default_rng(0)
    prediction, target = r.integers(0, 400, (2, 30, 30))
    target[0] = -1
    valid = target != -1
    expected = reference(target[valid], prediction[valid], labels=range(400))
    np.testing.assert_array_equal(confusion_matrix(prediction, target, 400, -1), expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_a_class_can_be_ignored(dtype):
    prediction, target = masks(dtype=dtype)
    target[target == 255] = 0
    matrix = confusion_matrix(prediction, target, 5, ignore_label=0)
    assert matrix[0].sum() == 0
    assert matrix.sum() == np.count_nonzero(target)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
@pytest.mark.parametrize("side", ["label", "prediction"])
def test_what_is_no_class_is_an_error(dtype, side):
    prediction, target = masks(dtype=dtype)
    (target if side == "label" else prediction)[target == 1] = 7
    with pytest.raises(DataError, match=f"A {side} is not a class index") as error:
        confusion_matrix(prediction, target, 5, where="frame 3")
    assert "7" in error.value.received
    assert "frame 3" in error.value.where


def test_anything_may_be_predicted_where_the_truth_is_void():
    prediction, target = masks()
    before = confusion_matrix(prediction, target, 5)
    prediction[target == 255] = 200
    np.testing.assert_array_equal(confusion_matrix(prediction, target, 5), before)


def test_void_is_an_error_without_ignore_label():
    with pytest.raises(DataError, match="255"):
        confusion_matrix(*masks(), classes=5, ignore_label=None)


def test_no_index_overflow():
    prediction, target = np.uint8([[14]]), np.uint8([[18]])
    assert confusion_matrix(prediction, target, 19)[18, 14] == 1


def test_iou_convention():
    # Class 0 half right, 1 only predicted, 2 nowhere, 3 only true.
    matrix = np.array([[2, 2, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [4, 0, 0, 0]])
    np.testing.assert_array_equal(iou(matrix), [2 / 8, 0.0, np.nan, 0.0])
    np.testing.assert_array_equal(class_accuracy(matrix), [0.5, np.nan, np.nan, 0.0])
    assert pixel_accuracy(matrix) == 0.25
    assert np.isnan(pixel_accuracy(np.zeros((2, 2), int)))


def test_numbers_equal_sklearn():
    metric = ConfusionMatrix(["sky", "road", "car", "tree", "sign"])
    pairs = [masks(seed=seed, shape=(20 + seed, 30)) for seed in range(3)]
    metric.update([p for p, _ in pairs], [t for _, t in pairs], ["a", "b", "c"])
    p = np.concatenate([p.ravel() for p, _ in pairs])
    t = np.concatenate([t.ravel() for _, t in pairs])
    per_class = jaccard_score(t[t < 255], p[t < 255], average=None)
    numbers = metric.compute()
    assert numbers["mIoU"] == pytest.approx(per_class.mean())
    assert [numbers[f"IoU/{name}"] for name in metric.classes] == pytest.approx(per_class)
    assert numbers["pixel_accuracy"] == pytest.approx((p == t)[t < 255].mean())
    assert list(numbers) == ["mIoU", "pixel_accuracy", "mean_accuracy"] + [
        f"IoU/{name}" for name in metric.classes
    ]


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


def test_classes_must_fit():
    with pytest.raises(ConfigError, match="more than once"):
        ConfusionMatrix(["a", "b", "a"])
    with pytest.raises(ConfigError, match="at least one class"):
        ConfusionMatrix(0)
    with pytest.raises(ConfigError, match="one string"):
        ConfusionMatrix("cat")
    with pytest.raises(ConfigError, match="cannot be merged"):
        ConfusionMatrix(["a", "b"]).merge(ConfusionMatrix(["a", "c"]))
    with pytest.raises(CheckpointError, match=r"\(3, 3\)"):
        ConfusionMatrix(2).load_state_dict(ConfusionMatrix(3).state_dict())
