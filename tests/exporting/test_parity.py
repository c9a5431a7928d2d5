"""The comparison of a model with its network: what it forgives, and what it refuses."""

import numpy as np
import pytest

from densefit.errors import ExportError
from densefit.exporting.parity import compare, compare_all


def ranking(rows=10, images=2):
    """(images, rows, 6) rows [class, score, x1, y1, x2, y2] by falling score."""
    rng = np.random.default_rng(0)
    boxes = rng.uniform(0, 100, (images, rows, 6))
    boxes[..., 0], boxes[..., 1] = 1, np.linspace(0.9, 0.2, rows)
    return boxes.astype(np.float32)


def test_rounding_is_told():
    rng = np.random.default_rng(0)
    values = rng.random((2, 5)).astype(np.float32)
    parity = compare("a", values, values + np.float32(3e-6))
    assert 2e-6 < parity.largest < 4e-6
    assert parity.differing == 0
    assert "a: largest difference 3" in str(parity)


@pytest.mark.parametrize("change", [lambda a: a * 1.01, lambda a: a + 0.1, np.flip, np.sqrt])
def test_other_values(change):
    values = np.random.default_rng(0).random((3, 4, 7)).astype(np.float32)
    with pytest.raises(ExportError, match="another 'a'"):
        compare("a", values, change(values).astype(np.float32))


@pytest.mark.parametrize(
    "received",
    [
        np.zeros((2, 3), np.float32),
        np.zeros((2, 4), np.float64),
        np.full((2, 4), np.nan, np.float32),
    ],
)
def test_other_shapes_types_and_nan(received):
    with pytest.raises(ExportError):
        compare("a", np.zeros((2, 4), np.float32), received)


def test_nan_is_equal_to_nan():
    values = np.array([[np.nan, 1, np.inf]], np.float32)
    assert compare("a", values, values).differing == 0


def test_some_pixels_of_a_mask():
    mask = np.zeros((2, 50, 50), np.uint8)
    other = mask.copy()
    other[0, 0, :5] = 3
    assert compare("mask", mask, other).differing == 0.001
    other[0, :20] = 3
    with pytest.raises(ExportError, match=r"20\.00% unequal"):
        compare("mask", mask, other)


def test_equal_scores_in_another_order():
    rows = ranking()
    rows[:, 3:5, 1] = rows[:, 3:4, 1]
    other = rows.copy()
    other[:, 3:5] = rows[:, 4:2:-1]
    assert compare("boxes", rows, other).differing == 0


def test_other_boxes():
    rows = ranking()
    other = rows.copy()
    other[:, 2:6, 2:] += 20
    with pytest.raises(ExportError, match="boxes"):
        compare("boxes", rows, other)


def test_masks_of_rows_in_another_order():
    rows = ranking()
    rows[:, 3:5, 1] = rows[:, 3:4, 1]
    masks = np.random.default_rng(0).integers(0, 256, (2, 10, 4, 4)).astype(np.uint8)
    order = [0, 1, 2, 4, 3, 5, 6, 7, 8, 9]
    expected = {"i_boxes": rows, "i_masks": masks}
    received = {"i_boxes": rows[:, order], "i_masks": masks[:, order]}
    assert compare_all(expected, received, "float32")["i_masks"].differing == 0
    received["i_masks"] = masks[:, ::-1]
    with pytest.raises(ExportError, match="i_masks"):
        compare_all(expected, received, "float32")


def test_quantised_rows_are_compared_with_the_most_similar():
    rows = ranking()
    other = rows.copy()
    other[..., 1] += 0.02
    other[..., 2:] += 0.25
    parity = compare("boxes", rows, other * np.float32(1.001), "int8")
    assert parity.largest < 0.5


def noise(like, columns):
    rng = np.random.default_rng(1)
    other = like.copy()
    other[..., columns] = rng.uniform(0, 100, other[..., columns].shape)
    return other


BOXES = slice(2, 6)


def scored_at_random(rows):
    other = noise(rows, BOXES)
    other[..., 1] = np.sort(np.random.default_rng(2).random(rows.shape[:2]))[:, ::-1]
    return other


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_a_model_that_finds_what_is_not_there_is_refused(precision):
    nothing = np.full((2, 10, 6), -1, np.float32)
    with pytest.raises(ExportError):
        compare("boxes", nothing, ranking(), precision)
    few = ranking()
    few[:, 2:] = -1
    with pytest.raises(ExportError):
        compare("boxes", few, ranking(), precision)


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_boxes_at_random_are_refused(precision):
    rows = ranking()
    for other in (noise(rows, BOXES), scored_at_random(rows)):
        with pytest.raises(ExportError):
            compare("boxes", rows, other.astype(np.float32), precision)
    tied = ranking()
    tied[..., 1] = 0.5
    with pytest.raises(ExportError):
        compare("boxes", tied, noise(tied, BOXES), precision)


def test_rows_of_one_score_are_counted():
    rows = ranking()
    rows[:, 4:7, 1] = rows[:, 4:5, 1]
    swapped = rows.copy()
    swapped[:, 4], swapped[:, 5] = rows[:, 5], rows[:, 4]
    parity = compare("boxes", rows, swapped)
    assert parity.differing == 0
    assert parity.tied == 0.4  # the last row's, too
    assert "40% of the rows by their equal scores alone" in str(parity)


@pytest.mark.parametrize("shape", [(2, 8, 9), (2, 8, 9, 3)])
def test_a_constant_map_is_no_ranking(shape):
    constant = np.full(shape, 0.25, np.float32)
    with pytest.raises(ExportError):
        compare("map", constant, constant + np.float32(0.1))


def test_masks_of_unused_rows_say_nothing():
    boxes = ranking()
    boxes[:, 5:] = -1
    masks = np.zeros((2, 10, 4, 4), np.uint8)
    other = masks.copy()
    other[:, 5:] = 1
    assert (
        compare_all(
            {"h_boxes": boxes, "h_masks": masks}, {"h_boxes": boxes, "h_masks": other}, "float32"
        )["h_masks"].differing
        == 0
    )
    other[:, 0] = 200
    with pytest.raises(ExportError):
        compare_all(
            {"h_boxes": boxes, "h_masks": masks}, {"h_boxes": boxes, "h_masks": other}, "float32"
        )
