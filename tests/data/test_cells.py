"""Cells: which pixel stands for each of them."""

import numpy as np
import pytest

from densefit.data.cells import cell_centres, grid_size
from densefit.data.move import resize_nearest


@pytest.mark.parametrize("stride", [2, 4, 8])
@pytest.mark.parametrize("more", [(), (3,)])
def test_where_the_stride_divides_it_is_a_nearest_resize(stride, more):
    array = np.random.default_rng(0).normal(size=(6 * stride, 5 * stride, *more))
    expected = resize_nearest(array, 6, 5)
    np.testing.assert_array_equal(cell_centres(array, stride), expected)


@pytest.mark.parametrize("size", [(32, 45), (7, 5), (1, 1), (33, 46)])
def test_every_cell_takes_one_of_its_own_pixels(size):
    y, x = np.mgrid[: size[0], : size[1]]
    found = cell_centres(np.dstack([y, x]), 4)
    assert found.shape == (*grid_size(size, 4), 2)
    rows, columns = np.mgrid[: found.shape[0], : found.shape[1]]
    np.testing.assert_array_equal(found // 4, np.dstack([rows, columns]))
