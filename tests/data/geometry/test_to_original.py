"""Maps at input size, read back at the pixels of the original."""

import cv2
import numpy as np
import pytest

from densefit.data.geometry.image_ops import crop, flip, resize
from densefit.data.geometry.to_original import map_to_original
from densefit.data.sample import Geometry, Sample
from densefit.data.transforms.resize import Letterbox, Resize
from densefit.engine.map_averaging import resample
from densefit.errors import DataError
from densefit.model.host_arrays import to_numpy
from tests.executor import engine_array


def sample(height, width):
    rng = np.random.default_rng(0)
    return Sample("a", rng.integers(0, 256, (height, width, 3)).astype(np.uint8), {})


def brute_force(array, geometry):
    """Bilinear at each pixel's centre, one by one; only for whole pictures without padding."""
    height, width = geometry.size
    found = np.empty((height, width))
    for i in range(height):
        for j in range(width):
            x, y = geometry.matrix @ (j + 0.5, i + 0.5, 1)
            x, y = (min(max(v - 0.5, 0), n - 1) for v, n in zip((x, y), array.shape[::-1]))
            x0, y0 = int(x), int(y)
            x1, y1 = min(x0 + 1, array.shape[1] - 1), min(y0 + 1, array.shape[0] - 1)
            rows = [array[k, x0] * (1 - x + x0) + array[k, x1] * (x - x0) for k in (y0, y1)]
            found[i, j] = rows[0] * (1 - y + y0) + rows[1] * (y - y0)
    return found


@pytest.mark.parametrize("size", [(9, 13), (24, 32), (50, 37)])
@pytest.mark.parametrize("flipped", [False, True])
def test_equals_a_loop_over_pixels(size, flipped):
    moved = Resize(24, 32)(sample(*size), np.random.default_rng())
    geometry = (flip(moved) if flipped else moved).geometry
    array = np.random.default_rng(1).normal(size=(24, 32)).astype(np.float32)
    found = map_to_original(array, geometry)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, brute_force(array, geometry), atol=1e-5)


@pytest.mark.parametrize("size", [(9, 13), (50, 20), (24, 32)])
def test_a_letterbox_s_padding_is_not_mixed_in(size):
    """As if the picture's part had been cut out and resized (OpenCV, and the merger of views)."""
    geometry = Letterbox(24, 32)(sample(*size), np.random.default_rng()).geometry
    x, y = geometry.matrix[:, 2].astype(int)
    scaled = [round(scale * n) for scale, n in zip(np.diag(geometry.matrix)[::-1], size)]
    array = np.full((24, 32, 2), 1e6, np.float32)
    part = np.random.default_rng(1).normal(size=(*scaled, 2)).astype(np.float32)
    array[y : y + scaled[0], x : x + scaled[1]] = part
    found = map_to_original(array, geometry)
    np.testing.assert_allclose(found, cv2.resize(part, size[::-1]), atol=1e-5)
    merged = to_numpy(resample(engine_array(part.transpose(2, 0, 1)), size))
    np.testing.assert_allclose(found, merged.transpose(1, 2, 0), atol=1e-5)


def test_an_unchanged_picture_s_map_is_as_it_was():
    array = np.random.default_rng(0).normal(size=(5, 7, 3)).astype(np.float32)
    np.testing.assert_array_equal(map_to_original(array, Geometry.identity(5, 7)), array)


def test_what_was_cut_off_takes_the_nearest_value():
    moved = crop(sample(20, 30), 10, 5, 8, 6)
    array = np.arange(48, dtype=np.float32).reshape(6, 8)
    found = map_to_original(array, moved.geometry)
    np.testing.assert_array_equal(found[5:11, 10:18], array)
    np.testing.assert_array_equal(found[5:11, :10], np.repeat(array[:, :1], 10, axis=1))
    np.testing.assert_array_equal(found[15], found[10])


def test_turned_pictures_and_other_sizes_are_refused():
    moved = resize(sample(20, 30), 10, 15)
    with pytest.raises(DataError, match="cannot be mapped back"):
        map_to_original(np.zeros((15, 10)), moved.geometry)
    turned = moved.geometry.then(np.array([[0.0, 1, 0], [-1, 0, 15]]), (15, 10))
    with pytest.raises(DataError, match="not turned"):
        map_to_original(np.zeros((15, 10)), turned)
