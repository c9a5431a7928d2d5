"""Colors, line widths and letters."""

import itertools

import numpy as np

from densefit.visualize.style import color_of, letter_height, line_width


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
    assert [line_width(grey(side, 2000)) for side in (40, 100, 320, 720)] == [1, 1, 2, 3]
    assert line_width(grey(1200, 1600)) == 4
    assert letter_height(grey(1200, 1600)) > letter_height(grey(480, 640))
