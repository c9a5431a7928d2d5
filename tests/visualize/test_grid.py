"""Grids of images."""

import numpy as np
import pytest

from densefit.visualize.grid import grid, tile_of


def grey(height, width):
    return np.full((height, width, 3), 128, np.uint8)


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


def test_tiles_are_of_one_size():
    images = [grey(20, 30), grey(30, 20), grey(25, 30)]
    assert tile_of(images) == (30, 30)
    tiled = grid(images[:1], gap=5, tile=tile_of(images))
    assert tiled.shape == (40, 40, 3)
    assert (tiled[10:30, 5:35] == 128).all()  # centred


def test_a_long_caption_has_smaller_letters_before_it_is_shortened():
    wide = grid([grey(60, 300)], captions=["segmentation: prediction"])
    narrow = grid([grey(60, 130)], captions=["segmentation: prediction"])
    for tiled in (wide, narrow):
        inked = (tiled[8 + 60 :] < 100).all(axis=2).any(axis=0).nonzero()[0]
        assert inked[-1] - inked[0] > 100  # the whole text
    assert inked[-1] < 8 + 130
