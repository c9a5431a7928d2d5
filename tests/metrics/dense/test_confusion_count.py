import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix as reference

from densefit.errors import DataError
from densefit.metrics import confusion_matrix
from densefit.metrics.dense.byte_histogram import count_bytes
from densefit.metrics.dense.confusion_count import class_maps

BIG = (300, 1100)  # more pixels than are counted at a time
DTYPES = [np.uint8, np.int8, np.uint16, np.int32, np.int64, ">i2", np.uint64, np.float32, bool]


def masks(shape=(40, 50), classes=5, seed=0, dtype=np.uint8):
    r = np.random.default_rng(seed)
    prediction = r.integers(0, classes, shape).astype(dtype)
    target = r.integers(0, classes, shape).astype(dtype)
    target[r.random(shape) < 0.1] = 255
    return prediction, target


def expected(prediction, target, classes, ignore_label):
    valid = np.ones(target.shape, bool) if ignore_label is None else target != ignore_label
    if not valid.any() or classes == 1:  # which scikit-learn refuses, or warns of
        return np.full((classes, classes), valid.sum())
    return reference(
        target[valid].astype(int), prediction[valid].astype(int), labels=range(classes)
    )


def looped(prediction, target, classes, ignore_label):
    matrix = [[0] * classes for _ in range(classes)]
    for guess, truth in zip(prediction.ravel().tolist(), target.ravel().tolist()):
        if truth != ignore_label:
            matrix[int(truth)][int(guess)] += 1
    return matrix


@st.composite
def cases(draw):
    classes = draw(st.sampled_from([1, 2, 3, 19, 31, 32, 33, 63, 64, 65, 128, 129, 200, 254, 255]))
    ignore_label = draw(st.sampled_from([None, 0, 255, -1, 254, 64, classes, 1000]))
    shape = draw(st.sampled_from([(0,), (1,), (1, 1), (7, 3), (2, 5, 5), (61, 67), (211, 401)]))
    r = np.random.default_rng(draw(st.integers(0, 1000)))
    dtypes = [np.dtype(draw(st.sampled_from(DTYPES))) for _ in range(2)]
    # What is no class may be predicted where the truth is void, and nowhere else.
    prediction, target = r.integers(0, classes, (2, *shape))
    if draw(st.booleans()):  # runs of one pair, as in real masks
        prediction, target = prediction // 8 * 8, target // 8 * 8
    sides = []
    for labels, dtype in zip((prediction, target), dtypes):
        top = 1 if dtype.kind == "b" else 127 if dtype == np.int8 else 1 << 14
        sides.append(np.minimum(labels, top).astype(dtype))
    prediction, target = sides
    if ignore_label is not None and target.dtype.kind != "b":
        low, high = -1000, 1000  # of floats
        if target.dtype.kind != "f":
            low, high = np.iinfo(target.dtype).min, np.iinfo(target.dtype).max
        if low <= ignore_label <= high:
            target[r.random(shape) < 0.2] = ignore_label
    if ignore_label is not None and prediction.dtype == np.uint8:
        prediction[target == ignore_label] = 255
    return prediction, target, classes, ignore_label


@settings(derandomize=True, deadline=None, max_examples=60)
@given(cases())
def test_any_pair_equals_sklearn(case):
    np.testing.assert_array_equal(confusion_matrix(*case), expected(*case))


@settings(derandomize=True, deadline=None, max_examples=60)
@given(cases())
def test_bytes_are_counted_at_any_size(case):
    prediction, target, classes, ignore_label = case
    prediction, target = class_maps(prediction, target)
    matrix = count_bytes(prediction, target, classes, ignore_label)
    np.testing.assert_array_equal(matrix, expected(prediction, target, classes, ignore_label))
    assert matrix.dtype == np.int64


@pytest.mark.parametrize("shape", [(3, 5), (70, 80)])
def test_equals_a_loop(shape):
    case = (*masks(shape), 5, 255)
    assert confusion_matrix(*case).tolist() == looped(*case)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_more_pixels_than_are_counted_at_a_time(dtype):
    prediction, target = masks(BIG, 19, dtype=dtype)
    matrix = confusion_matrix(prediction, target, 19)
    np.testing.assert_array_equal(matrix, expected(prediction, target, 19, 255))


@pytest.mark.parametrize("ignore_label", [None, 0, 254, -1])
@pytest.mark.parametrize("classes", [256, 400])
def test_more_classes_than_bytes(classes, ignore_label):
    prediction, target = np.random.default_rng(0).integers(0, classes, (2, 90, 90))
    if ignore_label is not None:
        target[0] = ignore_label
    case = (prediction, target, classes, ignore_label)
    np.testing.assert_array_equal(confusion_matrix(*case), expected(*case))


@pytest.mark.parametrize("ignore_label", [19, 32, 51, 64, 128, 130, 255])
def test_the_void_label_meets_no_class(ignore_label):
    # Labels share tables modulo 32 or more, and each of these must stay apart from all classes.
    prediction, target = masks(BIG, 19)
    target[target == 255] = ignore_label
    case = (prediction, target, 19, ignore_label)
    np.testing.assert_array_equal(confusion_matrix(*case), expected(*case))


@pytest.mark.parametrize("shape", [(20, 20), (100, 100), BIG])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
@pytest.mark.parametrize("side", ["label", "prediction"])
@pytest.mark.parametrize("value", [5, 32, 37, 69, 224])
def test_one_pixel_that_is_no_class_is_an_error(shape, dtype, side, value):
    prediction, target = masks(shape, dtype=dtype)
    target[-1, -1] = 1
    (target if side == "label" else prediction)[-1, -1] = value
    with pytest.raises(DataError, match=f"A {side} is not a class index") as error:
        confusion_matrix(prediction, target, 5, where="frame 3")
    assert error.value.received == str(value)
    assert error.value.where == "sample 'frame 3'"


@pytest.mark.parametrize("value", [-1, -251, 256, 260, 1 << 40])
@pytest.mark.parametrize("side", ["label", "prediction"])
def test_what_no_byte_holds_is_an_error(side, value):
    prediction, target = masks((100, 100), dtype=np.int64)
    (target if side == "label" else prediction)[target == 1] = value
    with pytest.raises(DataError, match=f"A {side} is not a class index") as error:
        confusion_matrix(prediction, target, 5)
    assert error.value.received == str(value)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_anything_may_be_predicted_where_the_truth_is_void(dtype):
    prediction, target = masks((100, 100), dtype=dtype)
    before = confusion_matrix(prediction, target, 5)
    prediction[target == 255] = 200
    np.testing.assert_array_equal(confusion_matrix(prediction, target, 5), before)


@pytest.mark.parametrize("shape", [(20, 20), (100, 100)])
def test_void_is_an_error_without_ignore_label(shape):
    with pytest.raises(DataError, match="255"):
        confusion_matrix(*masks(shape), classes=5, ignore_label=None)


def test_arrays_of_any_layout_are_left_alone():
    prediction, target = masks((200, 300))
    views = [
        (prediction[::2, ::3], target[::2, ::3]),
        (prediction.T, target.T),
        (prediction[:, ::-1], target[:, ::-1]),
        (np.asfortranarray(prediction), target),
    ]
    for array in (prediction, target):
        array.flags.writeable = False
    copies = prediction.copy(), target.copy()
    for view in [*views, (prediction, target)]:
        np.testing.assert_array_equal(confusion_matrix(*view, 5), expected(*view, 5, 255))
    np.testing.assert_array_equal(prediction, copies[0])
    np.testing.assert_array_equal(target, copies[1])


def test_no_index_overflow():
    prediction, target = np.full((2, 80, 80), 18, np.uint8) - np.uint8([[[4]], [[0]]])
    assert confusion_matrix(prediction, target, 19)[18, 14] == 6400


def test_what_is_no_class_map_is_an_error():
    ones = np.ones((2, 2))
    with pytest.raises(DataError, match="differ in shape"):
        class_maps(ones, np.ones((2, 1)), "a")
    with pytest.raises(DataError, match="not class indices") as error:
        class_maps(ones / 2, ones, "a")
    assert error.value.where == "sample 'a'"
    with pytest.raises(DataError, match="A truth is not a map") as error:
        class_maps(ones, np.array([["x", "y"]] * 2), "a")
    assert error.value.where == "sample 'a'"


@pytest.mark.parametrize("threads", [0, 3])
def test_threads_of_opencv_change_nothing(threads):
    case = (*masks(BIG, 19), 19, 255)
    before = cv2.getNumThreads()
    cv2.setNumThreads(threads)
    try:
        np.testing.assert_array_equal(confusion_matrix(*case), expected(*case))
    finally:
        cv2.setNumThreads(before)
