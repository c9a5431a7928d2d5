"""Maps of views averaged on the device, against plain loops over pixels."""

import cv2
import numpy as np
import pytest

from densefit.data.loader.views import Views
from densefit.data.sample import Sample
from densefit.engine.map_averaging import MapMerger, resample
from densefit.model.host_arrays import to_numpy
from tests.executor import engine_array

CHANNELS = 3


def seen(image, number):
    """Maps (C, H, W) that depend on the pixel and on the view."""
    weights = np.random.default_rng(number).normal(size=(CHANNELS, 3))
    return np.einsum("ck,hwk->chw", weights, image.astype(float) / 255).astype(np.float32)


def brute_force(sample, views, input_size):
    """Mean over the views that show a pixel, then over scales."""
    sums = {}
    for number, (image, view) in enumerate(views.of(sample, input_size)):
        maps = seen(image, number)
        if view.mirrored:
            maps = maps[:, :, ::-1]
        total, count = sums.setdefault(
            view.scaled, (np.zeros((CHANNELS, *view.scaled)), np.zeros(view.scaled))
        )
        for i in range(input_size[0]):
            for j in range(input_size[1]):
                y, x = i + view.corner[0], j + view.corner[1]
                if 0 <= y < view.scaled[0] and 0 <= x < view.scaled[1]:
                    total[:, y, x] += maps[:, i, j]
                    count[y, x] += 1
    height, width = sample.image.shape[:2]
    return np.mean(
        [
            [cv2.resize(plane, (width, height)) for plane in total / count]
            for total, count in sums.values()
        ],
        axis=0,
    )


@pytest.mark.parametrize(
    "views",
    [
        Views(fit="original", overlap=0.6, flip=True),
        Views(flip=True),
        Views(fit="stretch", scales=(0.6, 1.0, 1.7), flip=True),
        Views(fit="original", scales=(0.4, 1.0, 1.3)),
    ],
    ids=str,
)
def test_equals_loops_over_pixels_in_any_order(views):
    rng = np.random.default_rng(1)
    sample = Sample("a", rng.integers(0, 256, (29, 37, 3)).astype(np.uint8), {})
    looks = list(enumerate(views.of(sample, (16, 20))))
    for order in (looks, looks[::-1]):
        merger = MapMerger((29, 37), "maps")
        for number, (image, view) in order:
            merger.add({"maps": engine_array(seen(image, number)[None])}, view)
        expected = brute_force(sample, views, (16, 20))
        np.testing.assert_allclose(merger.result(), expected, atol=1e-5)


@pytest.mark.parametrize("size", [(5, 7), (12, 9), (3, 20), (1, 1)])
def test_resampling_is_that_of_opencv(size):
    maps = np.random.default_rng(0).random((2, 5, 7)).astype(np.float32)
    found = to_numpy(resample(engine_array(maps), size))
    expected = [cv2.resize(plane, size[::-1], interpolation=cv2.INTER_LINEAR) for plane in maps]
    np.testing.assert_allclose(found, expected, atol=1e-5)
