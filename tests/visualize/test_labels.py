"""Labels inside of images."""

import numpy as np
import pytest

from densefit.visualize.drawing import draw_boxes
from densefit.visualize.labels import draw_label, fitted_text
from densefit.visualize.letters import text_size
from densefit.visualize.style import color_of


def grey(height, width):
    return np.full((height, width, 3), 128, np.uint8)


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
    assert min(plates) > 100  # by the version of the font, some more


def test_letters_are_legible_on_every_plate():
    drawn = draw_label(grey(60, 200), "text", color=(250, 250, 250))
    assert drawn.min() < 80
    drawn = draw_label(grey(60, 200), "text", color=(10, 10, 10))
    assert drawn.max() > 180


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
