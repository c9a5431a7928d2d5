import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.errors import CheckpointError, ConfigError, DataError
from densefit.metrics import BoundaryIoU
from densefit.metrics.dense.boundary_iou import boundary, boundary_counts, boundary_width


def one_mask(mask, width):
    """The boundary of one binary mask: what erosions by a 3x3 square take away."""
    framed = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    inner = cv2.erode(framed, np.ones((3, 3), np.uint8), iterations=width)[1:-1, 1:-1]
    return mask & (inner == 0)


def class_by_class(prediction, target, classes, ignore_label, ratio):
    valid = target != ignore_label
    diagonal = np.sqrt(target.shape[0] ** 2 + target.shape[1] ** 2)
    width = max(1, int(round(ratio * diagonal)))
    intersection, union = [], []
    for label in range(classes):
        guess = one_mask((prediction == label) & valid, width)
        truth = one_mask((target == label) & valid, width)
        intersection.append((guess & truth).sum())
        union.append((guess | truth).sum())
    return intersection, union


def blobs(r, shape, values):
    """A map with regions of many sizes, and lonely pixels."""
    small = r.choice(values, [-(-side // 6) for side in shape])
    labels = small.repeat(6, 0).repeat(6, 1)[: shape[0], : shape[1]]
    lonely = r.random(shape) < r.choice([0.0, 0.01, 0.3])
    return np.where(lonely, r.choice(values, shape), labels)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(
    st.integers(0, 10_000),
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
    st.sampled_from([(2, 255), (3, None), (19, 0), (255, 255), (256, 200), (254, 254), (300, -1)]),
    st.sampled_from([0.001, 0.02, 0.05, 0.3, 1.0]),
    st.sampled_from([np.uint8, np.int64, np.float32]),
)
def test_equals_class_by_class(seed, shape, kind, ratio, dtype):
    classes, ignore_label = kind
    if classes > 255 and dtype == np.uint8:
        dtype = np.int32
    r = np.random.default_rng(seed)
    # Few values, so that there are regions; the first and the last class are the risky ones.
    values = [0, 1, classes - 1]
    prediction = blobs(r, shape, values).astype(dtype)
    target = blobs(r, shape, values if ignore_label is None else [*values, ignore_label])
    target = target.astype(dtype)
    case = (prediction, target, classes, ignore_label, ratio)
    for ours, theirs in zip(boundary_counts(*case), class_by_class(*case)):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("width", [1, 2, 3, 9])
def test_the_edge_of_the_image_is_a_contour(value, width):
    inner = np.ones((8, 7), bool)
    inner[width:-width, width:-width] = False
    np.testing.assert_array_equal(boundary(np.full((8, 7), value, np.uint8), width), inner)


def test_void_ends_a_region_in_both_maps():
    target = np.zeros((21, 21), np.uint8)
    target[10, 10] = 255
    ours = boundary_counts(np.zeros_like(target), target, 2, ratio=0.01)
    assert boundary_width(target.shape, 0.01) == 1
    # The frame of the image, and the ring around the void pixel, but not the pixel.
    assert [counts.tolist() for counts in ours] == [[80 + 8, 0]] * 2


def test_width_is_a_share_of_the_diagonal():
    assert boundary_width((3, 4)) == 1
    assert boundary_width((300, 400)) == 10
    assert boundary_width((480, 640), 0.005) == 4


def test_anything_may_be_predicted_where_the_truth_is_void():
    r = np.random.default_rng(0)
    prediction, target = r.integers(0, 3, (2, 30, 30)).astype(np.uint8)
    target[10:20] = 255
    before = boundary_counts(prediction, target, 3)
    prediction[target == 255] = 9
    np.testing.assert_array_equal(boundary_counts(prediction, target, 3), before)


def test_arrays_of_any_layout_are_left_alone():
    r = np.random.default_rng(0)
    prediction, target = blobs(r, (90, 60), [0, 1, 2]), blobs(r, (90, 60), [0, 1, 255])
    expected = boundary_counts(prediction, target, 3)
    for dtype in (np.uint8, np.int64):
        layouts = [
            (np.array(a, dtype, order=order)) for a in (prediction, target) for order in "CF"
        ]
        for array in layouts:
            array.flags.writeable = False
        for guess in layouts[:2]:
            for truth in layouts[2:]:
                np.testing.assert_array_equal(boundary_counts(guess, truth, 3), expected)
        np.testing.assert_array_equal(layouts[0], prediction)
        np.testing.assert_array_equal(layouts[2], target)


def test_sums_over_images_of_any_size():
    r = np.random.default_rng(0)
    shapes = [(30, 40), (1, 1), (0, 5), (64, 20)]
    maps = [(r.integers(0, 3, shape), r.integers(0, 3, shape)) for shape in shapes]
    metric = BoundaryIoU(["a", "b", "c", "nowhere"])
    metric.update([p for p, _ in maps], [t for _, t in maps], list("wxyz"))
    parts = [class_by_class(p, t, 4, 255, 0.02) for p, t in maps]
    intersection, union = np.sum(parts, axis=0)
    values = intersection[:3] / union[:3]
    numbers = metric.compute()
    assert numbers["boundary_mIoU"] == pytest.approx(values.mean(), rel=1e-14)
    assert [numbers[f"boundary_IoU/{name}"] for name in "abc"] == pytest.approx(values, rel=1e-14)
    assert np.isnan(numbers["boundary_IoU/nowhere"])


def test_what_is_predicted_and_not_there_is_zero():
    metric = BoundaryIoU(2)
    metric.update([np.uint8([[0, 1]])], [np.uint8([[0, 0]])], ["a"])
    assert metric.compute() == {
        "boundary_mIoU": 0.25,
        "boundary_IoU/0": 0.5,
        "boundary_IoU/1": 0.0,
    }


@pytest.mark.parametrize("side", ["label", "prediction"])
@pytest.mark.parametrize("value", [2, 3, -1])
def test_what_is_no_class_is_an_error(side, value):
    maps = {"prediction": np.zeros((5, 5), int), "label": np.zeros((5, 5), int)}
    maps[side][2, 2] = value
    with pytest.raises(DataError, match=f"A {side} is not a class index") as error:
        BoundaryIoU(2).update([maps["prediction"]], [maps["label"]], ["frame 3"])
    assert (error.value.received, error.value.where) == (str(value), "sample 'frame 3'")


def test_what_does_not_fit_is_an_error(older):
    with pytest.raises(DataError, match="differ in shape") as error:
        BoundaryIoU(2).update([np.zeros((2, 2))], [np.zeros((2, 3))], ["a"])
    assert error.value.where == "sample 'a'"
    with pytest.raises(DataError, match="need a map") as error:
        BoundaryIoU(2).update(np.zeros((1, 4)), np.zeros((1, 4)), ["a"])
    assert error.value.where == "sample 'a'"
    with pytest.raises(ConfigError, match="no share"):
        BoundaryIoU(2, ratio=0)
    with pytest.raises(ConfigError, match="other settings"):
        BoundaryIoU(["a", "b"]).merge(BoundaryIoU(["a", "c"]))
    with pytest.raises(CheckpointError, match=r"\(3,\)"):
        BoundaryIoU(2).load_state_dict(older(BoundaryIoU(3).state_dict()))
