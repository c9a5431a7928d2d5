"""Cells: which pixel stands for each of them."""

import numpy as np
import pytest

from densefit.data.geometry.image_ops import resize_nearest
from densefit.data.geometry.strided_map import cell_centres, grid_size, mean_weights, strided_target
from densefit.data.sample import Sample
from densefit.errors import DataError


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


@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_target_of_numbers_is_read_in_the_middle_of_its_cells(channels):
    array = np.random.default_rng(0).normal(size=(33, 45, *channels))
    image = np.zeros((33, 45, 3), np.uint8)
    found = strided_target(Sample("a", image, {"heat": array}), "heat", channels, 4, "head h")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, cell_centres(array, 4).astype(np.float32))
    lacking = strided_target(Sample("a", image, {}), "heat", channels, 4, "head h")
    assert (lacking.shape, lacking.dtype) == (found.shape, np.float32)
    assert not lacking.any()


@pytest.mark.parametrize(
    ("channels", "shape"), [((), (8, 8, 1)), ((), (8, 9)), ((3,), (8, 8)), ((3,), (8, 8, 2))]
)
def test_maps_of_another_size_are_told(channels, shape):
    sample = Sample("a", np.zeros((8, 8, 3), np.uint8), {"heat": np.ones(shape)})
    with pytest.raises(DataError, match="(?s)'heat' does not have .* for each pixel") as error:
        strided_target(sample, "heat", channels, 4, "head h")
    assert f"shape {shape}" in str(error.value)
    assert "head h, sample a" in str(error.value)


def test_the_mean_by_weights_is_that_of_the_known_cells():
    rng = np.random.default_rng(0)
    known, values = rng.random((7, 9)) < 0.3, rng.normal(size=(7, 9))
    weights = mean_weights(known)
    assert weights.dtype == np.float32
    assert (weights * values).sum() == pytest.approx(values[known].mean(), rel=1e-5)
    assert not mean_weights(np.zeros((3, 3), bool)).any()
