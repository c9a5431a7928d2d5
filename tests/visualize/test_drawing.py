"""Drawing: copies, colours, and pictures of any size."""

import itertools

import numpy as np
import pytest

from densefit.visualize.drawing import (
    color_of,
    draw_boxes,
    draw_label,
    draw_mask,
    fitted_text,
    grid,
    letter_height,
    line_width,
    say_unshown,
)
from densefit.visualize.letters import text_size


def grey(height, width):
    return np.full((height, width, 3), 128, np.uint8)


def test_colours_are_fixed_and_distinct():
    colors = [color_of(index) for index in range(24)]
    assert colors == [color_of(index) for index in range(24)]
    for a, b in itertools.combinations(colors, 2):
        assert np.abs(np.subtract(a, b)).sum() > 30
    for a, b in zip(colors, colors[1:]):
        assert np.abs(np.subtract(a, b)).sum() > 80
    assert all(0 <= value <= 255 for value in color_of(-1) + color_of(255) + color_of(9999))


def test_lines_and_letters_grow_with_the_picture():
    assert line_width(grey(100, 100)) == 1
    assert line_width(grey(1200, 1600)) == 4
    assert letter_height(grey(1200, 1600)) > letter_height(grey(480, 640))


def test_a_box_is_outlined_inside_its_edges_on_a_copy():
    image = grey(100, 120)
    drawn = draw_boxes(image, np.array([[20, 30, 60, 80.0]]), np.array([1]))
    assert (image == 128).all()
    assert tuple(drawn[30, 20]) == color_of(1)
    assert tuple(drawn[79, 59]) == color_of(1)  # the right and bottom edge are exclusive
    assert tuple(drawn[50, 40]) == (128, 128, 128)
    assert (drawn[80:] == 128).all()
    assert (drawn[:, 60:] == 128).all()


@pytest.mark.parametrize("size", [(20, 30), (300, 200), (900, 1400)])
def test_labels_stay_in_the_picture(size):
    height, width = size
    boxes = np.array(
        [[0, 0, 10, 10], [width - 5, height - 5, width, height], [-9, 5, 2 * width, height * 2]]
    )
    scores = np.array([0.5, 0.9, 0.7])
    drawn = draw_boxes(grey(*size), boxes, np.array([0, 1, 0]), ["one", "two"], scores)
    assert drawn.shape == (*size, 3)
    assert draw_label(grey(*size), "a text", (width, 0)).shape == (*size, 3)


def test_labels_of_boxes_at_one_place_do_not_hide_each_other():
    boxes = np.tile([[80.0, 80.0, 160.0, 160.0]], (3, 1))
    drawn = draw_boxes(grey(240, 240), boxes, np.arange(3), ["aa", "bb", "cc"])
    plates = [(drawn == color_of(index)).all(axis=2).sum() for index in range(3)]
    assert min(plates) > 150


def test_no_boxes_change_nothing():
    drawn = draw_boxes(grey(9, 9), np.zeros((0, 4)), np.zeros(0, int), ["a"], np.zeros(0))
    np.testing.assert_array_equal(drawn, grey(9, 9))


def test_letters_are_legible_on_every_plate():
    drawn = draw_label(grey(60, 200), "text", color=(250, 250, 250))
    assert drawn.min() < 80
    drawn = draw_label(grey(60, 200), "text", color=(10, 10, 10))
    assert drawn.max() > 180


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


def test_grid_of_different_sizes():
    images = [grey(20, 30), grey(40, 10), grey(25, 25)]
    tiled = grid(images, columns=2, gap=5)
    assert tiled.shape == (5 + 40 + 5 + 25 + 5, 5 + 30 + 5 + 25 * 0 + 10 + 5, 3)
    assert (tiled == 128).all(axis=2).sum() == 20 * 30 + 40 * 10 + 25 * 25
    assert tuple(tiled[0, 0]) == (255, 255, 255)


def test_grid_writes_captions_and_shortens_long_ones():
    images = [grey(50, 80), grey(50, 80)]
    tiled = grid(images, columns=2, captions=["short", "a caption much wider than its picture"])
    below = tiled[8 + 50 : -8]
    assert (below < 60).all(axis=2).any()
    assert (below[:, 88:96] == 255).all()  # nothing runs over into the gap


def test_grid_of_one():
    assert grid([grey(10, 10)]).shape == (26, 26, 3)


@pytest.mark.parametrize("width", [1, 2, 5, 11, 12, 30])
def test_captions_of_narrow_cells_end(width):
    tiled = grid([grey(60, width)], captions=["a caption of any length"])
    assert tiled.shape == (60 + 18 + 16, width + 16, 3)
    cell = tiled[8 : 8 + 60, 8 : 8 + width]
    assert (cell == 128).all()


@pytest.mark.parametrize("width", [64, 120, 200])
@pytest.mark.parametrize("text", ["0 of 100 reach 0.4, best 0.399", "a very long class name 0.87"])
def test_a_label_wider_than_the_picture_is_made_to_fit(width, text):
    label, height = fitted_text(grey(48, width), text, 8.0)
    assert text_size(label, height)[0] + 4 <= width
    assert height >= 6
    assert label == text if width == 200 else len(label) > width / 12
    drawn = draw_label(grey(48, width), text)
    plate = (drawn != 128).any(axis=2)
    assert (drawn[:, plate.nonzero()[1].max()] == (30, 30, 30)).all(axis=1).any()  # its own edge


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
    said = say_unshown(image, scores, 0.4)
    expected = draw_label(image, "0 of 100 reach 0.4, best 0.399")
    np.testing.assert_array_equal(said, expected)
    for shown in (np.array([0.4]), np.zeros(0)):
        np.testing.assert_array_equal(say_unshown(image, shown, 0.4), image)
