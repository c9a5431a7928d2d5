"""Drawing: copies, and images of any size."""

import numpy as np
import pytest

from densefit.visualize.drawing import draw_boxes, draw_mask, note_unreached
from densefit.visualize.labels import draw_label
from densefit.visualize.style import color_of


def grey(height, width):
    return np.full((height, width, 3), 128, np.uint8)


def test_a_box_is_outlined_inside_its_edges_on_a_copy():
    image = grey(100, 120)
    drawn = draw_boxes(image, np.array([[20, 30, 60, 80.0]]), np.array([1]))
    assert (image == 128).all()
    assert tuple(drawn[30, 20]) == color_of(1)
    assert tuple(drawn[79, 59]) == color_of(1)  # the right and bottom edge are exclusive
    assert tuple(drawn[50, 40]) == (128, 128, 128)
    assert (drawn[80:] == 128).all()
    assert (drawn[:, 60:] == 128).all()


def test_no_boxes_change_nothing():
    drawn = draw_boxes(grey(9, 9), np.zeros((0, 4)), np.zeros(0, int), ["a"], np.zeros(0))
    np.testing.assert_array_equal(drawn, grey(9, 9))


def test_mask_tints_and_leaves_hidden_classes():
    mask = np.zeros((40, 40), np.uint8)
    mask[:, 20:] = 255
    mask[30:] = 1
    drawn = draw_mask(grey(40, 40), mask, alpha=0.5)
    np.testing.assert_allclose(drawn[5, 5], (np.array(color_of(0)) + 128) / 2, atol=1)
    np.testing.assert_array_equal(drawn[5, 35], 128)
    assert tuple(drawn[30, 5]) == color_of(1)  # contour
    plain = draw_mask(grey(40, 40), mask, contour=False, colors=[(0, 0, 0)])
    np.testing.assert_array_equal(plain[29, 5], 64)
    np.testing.assert_array_equal(plain[35, 5], drawn[37, 5])


def test_mask_has_a_legend_of_what_is_seen():
    mask = np.full((80, 80), 2, np.uint8)
    drawn = draw_mask(grey(80, 80), mask, names=["a", "b", "c"], alpha=0.0)
    assert (drawn[:20] == color_of(2)).all(axis=2).any()
    assert not (drawn == color_of(0)).all(axis=2).any()
    everything_void = draw_mask(grey(80, 80), np.full((80, 80), 255, np.uint8), names=["a"])
    np.testing.assert_array_equal(everything_void, 128)


def test_a_box_and_a_legend_with_long_names_have_whole_plates():
    names = ["a very long name of a class"]
    boxes = draw_boxes(grey(60, 90), np.array([[5, 30, 40, 50.0]]), np.array([0]), names)
    mask = draw_mask(grey(60, 90), np.zeros((60, 90), np.uint8), names, alpha=0, contour=False)
    for drawn in (boxes, mask):
        rows, columns = (drawn == color_of(0)).all(axis=2).nonzero()
        plate = drawn[rows.min() : 12, columns.max()]
        assert (plate == color_of(0)).all()


@pytest.mark.parametrize("far", [1e300, -1e300, np.inf, -np.inf, 2.0**31, 1e9])
def test_a_box_without_end_is_drawn_as_far_as_the_picture_goes(far):
    image = grey(60, 80)
    for place in range(4):
        box = np.array([[10.0, 10.0, 40.0, 40.0]])
        box[0, place] = far
        near = box.copy()
        near[0, place] = np.sign(far) * 1000
        drawn = draw_boxes(image, box, np.array([0]), ["cat"], np.array([0.5]))
        np.testing.assert_array_equal(
            drawn, draw_boxes(image, near, np.array([0]), ["cat"], np.array([0.5]))
        )


def test_a_box_of_nan_has_no_outline():
    box = np.array([[10.0, 10.0, np.nan, np.nan]])
    assert draw_boxes(grey(60, 80), box, np.array([0])).shape == (60, 80, 3)
    assert draw_label(grey(60, 80), "x", (1e300, -np.inf)).shape == (60, 80, 3)


def test_detections_that_are_not_drawn_are_told_of():
    image = grey(200, 300)
    scores = np.linspace(0, 0.3999, 100)
    said = note_unreached(image, scores, 0.4)
    expected = draw_label(image, "0 of 100 reach 0.4, best 0.399")
    np.testing.assert_array_equal(said, expected)
    said = note_unreached(image, np.array([0.4429]), 0.4630031)
    expected = draw_label(image, "0 of 1 reach 0.464, best 0.442")
    np.testing.assert_array_equal(said, expected)
    for shown in (np.array([0.4]), np.zeros(0)):
        np.testing.assert_array_equal(note_unreached(image, shown, 0.4), image)


def test_a_background_is_clear_and_in_no_legend():
    image, mask = np.full((90, 120, 3), 100, np.uint8), np.zeros((90, 120), np.uint8)
    mask[:, 60:] = 1
    drawn = draw_mask(image, mask, ["background", "cat"], contour=False)
    assert (drawn[45:, :60] == 100).all()
    assert (drawn[45:, 60:] != 100).any(axis=2).all()
    assert (drawn[:30, :10] == color_of(1)).all(axis=2).any()  # the legend
    assert not (drawn == color_of(0)).all(axis=2).any()
    other = draw_mask(image, mask, ["wall", "cat"], contour=False)
    assert (other[45:, :60] != 100).any(axis=2).all()


def test_labels_without_a_free_place_are_left_out():
    image = np.zeros((200, 300, 3), np.uint8)
    boxes = np.tile([[50, 50, 150, 120.0]], (20, 1))
    classes, scores = np.arange(20), np.linspace(0.5, 0.9, 20)
    heap = draw_boxes(image, boxes, classes, [f"class {n}" for n in range(20)], scores)
    seen = [(heap == color_of(n)).all(axis=2).sum() for n in range(20)]
    assert seen[19] > 500  # the plate of the best
    assert sum(count > 500 for count in seen) <= 6
    assert seen[0] == 0


def test_outlines_of_small_boxes_are_thin():
    image = np.zeros((800, 800, 3), np.uint8)
    for side, width in ((12, 1), (400, 5)):  # OpenCV draws 5 for a width of 3
        drawn = draw_boxes(image, np.array([[100, 100, 100 + side, 100 + side]]), np.array([0]))
        row = drawn[100 + side // 2, 90 : 100 + side // 2]
        assert (row.sum(axis=1) > 0).sum() == width
