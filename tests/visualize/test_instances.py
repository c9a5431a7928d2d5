"""Drawing of instances."""

import numpy as np
import pytest
from pycocotools import mask as coco

from densefit.data.geometry.rle import decode_runs
from densefit.visualize.drawing import color_of
from densefit.visualize.instances import draw_instances

PICTURE = np.full((90, 120, 3), 128, np.uint8)
MASKS = np.zeros((3, 90, 120), np.uint8)
MASKS[0, 20:60, 10:50] = MASKS[1, 30:80, 30:100] = MASKS[2, 84:88, 4:8] = 1
BOXES = np.array([[10, 20, 50, 60], [30, 30, 100, 80], [4, 84, 8, 88]], np.float32)
CLASSES = np.array([0, 1, 0])


def draw(masks=MASKS, **settings):
    return draw_instances(PICTURE, masks, BOXES[: len(masks)], CLASSES[: len(masks)], **settings)


def test_each_object_is_tinted_in_a_colour_of_its_own_on_a_copy():
    drawn = draw()
    assert (PICTURE == 128).all()
    nothing = ~MASKS.any(axis=0)
    assert (drawn[nothing] == 128).all()
    for index, (y, x) in enumerate([(25, 15), (70, 90)]):
        expected = 0.55 * 128 + 0.45 * np.array(color_of(index))
        np.testing.assert_allclose(drawn[y, x], expected, atol=1)
    np.testing.assert_array_equal(drawn[20, 30], color_of(0))  # the outline is opaque
    np.testing.assert_array_equal(drawn[79, 60], color_of(1))


def test_the_first_lies_on_top():
    drawn = draw()
    np.testing.assert_array_equal(drawn[59, 45], color_of(0))
    np.testing.assert_array_equal(drawn[45, 49], color_of(0))


def test_further_colours_on_demand():
    np.testing.assert_array_equal(draw(first_color=5)[20, 30], color_of(5))


def test_run_lengths_and_arrays_look_alike():
    runs = [coco.encode(np.asfortranarray(mask)) for mask in MASKS]
    np.testing.assert_array_equal(draw(runs), draw())
    as_text = [{**run, "counts": run["counts"].decode()} for run in runs]
    np.testing.assert_array_equal(draw(as_text), draw())
    as_lists = [{**run, "counts": decode_runs(run["counts"]).tolist()} for run in runs]
    np.testing.assert_array_equal(draw(as_lists), draw())
    np.testing.assert_array_equal(draw(MASKS.astype(bool)), draw())


def test_names_are_left_out_where_they_would_hide_the_neighbours():
    names = ["cat", "dog"]
    named = draw(names=names, scores=np.array([0.9, 0.8, 0.7]))
    changed = (named != draw()).any(axis=2)
    assert changed[:60].any()
    assert not changed[82:].any()  # the third is too small for its name
    one = draw_instances(PICTURE, MASKS[2:], BOXES[2:], CLASSES[2:], names)
    np.testing.assert_array_equal(one, draw_instances(PICTURE, MASKS[2:], BOXES[2:], CLASSES[2:]))


@pytest.mark.parametrize("masks", [MASKS[:0], np.zeros((2, 90, 120), bool)])
def test_nothing_and_empty_masks_change_nothing(masks):
    np.testing.assert_array_equal(draw(masks), PICTURE)


@pytest.mark.parametrize("far", [1e300, -1e300, np.inf])
def test_names_of_boxes_without_end(far):
    boxes = BOXES.astype(np.float64)
    boxes[0, 2], boxes[1, 0] = abs(far), -abs(far)
    drawn = draw_instances(PICTURE, MASKS, boxes, CLASSES, ["cat", "dog"])
    assert drawn.shape == PICTURE.shape
