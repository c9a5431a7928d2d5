"""Probabilities of views averaged on the device, against plain loops over pixels."""

import cv2
import numpy as np
import pytest

from densefit.data.loader.views import Views
from densefit.data.sample import Sample
from densefit.tasks.segmentation.head import Segmentation
from tests.executor import engine_array

CLASSES = 4


def network(image, number):
    """Probabilities (C, H, W) that depend on the pixel and on the view."""
    rng = np.random.default_rng(number)
    weights = rng.normal(size=(CLASSES, 3))
    raw = np.exp(0.02 * np.einsum("ck,hwk->chw", weights, image.astype(float)))
    return (raw / raw.sum(0)).astype(np.float32)


def merged(sample, views, input_size, reverse=False):
    merger = Segmentation(CLASSES).view_merger(sample.image.shape[:2])
    looks = list(enumerate(views.of(sample, input_size)))
    for number, (image, view) in reversed(looks) if reverse else looks:
        merger.add({"scores": engine_array(network(image, number)[None])}, view)
    return merger.result()


def brute_force(sample, views, input_size):
    """Mean over the views that show a pixel, then over scales."""
    sums = {}
    for number, (image, view) in enumerate(views.of(sample, input_size)):
        scores = network(image, number)
        if view.mirrored:
            scores = scores[:, :, ::-1]
        total, count = sums.setdefault(
            view.scaled, (np.zeros((CLASSES, *view.scaled)), np.zeros(view.scaled))
        )
        for i in range(input_size[0]):
            for j in range(input_size[1]):
                y, x = i + view.corner[0], j + view.corner[1]
                if 0 <= y < view.scaled[0] and 0 <= x < view.scaled[1]:
                    total[:, y, x] += scores[:, i, j]
                    count[y, x] += 1
    height, width = sample.image.shape[:2]
    means = []
    for total, count in sums.values():
        assert count.min() >= 1
        planes = [
            cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR)
            for plane in total / count
        ]
        means.append(planes)
    return np.mean(means, axis=0)


@pytest.mark.parametrize(
    "views",
    [
        Views(fit="original", overlap=0.0),
        Views(fit="original", overlap=0.6, flip=True),
        Views(flip=True),
        Views(fit="stretch", scales=(0.6, 1.0, 1.7), flip=True),
        Views(fit="original", scales=(0.4, 1.0, 1.3)),
    ],
    ids=str,
)
def test_equals_loops_over_pixels(views):
    rng = np.random.default_rng(1)
    sample = Sample("a", rng.integers(0, 256, (29, 37, 3)).astype(np.uint8), {})
    found = merged(sample, views, (16, 20))
    expected = brute_force(sample, views, (16, 20))
    best = np.sort(expected, axis=0)
    clear = best[-1] - best[-2] > 1e-4  # float32 sums may decide ties in another way
    assert clear.mean() > 0.99
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found[clear], expected.argmax(0)[clear])
    again = merged(sample, views, (16, 20), reverse=True)
    np.testing.assert_array_equal(again[clear], found[clear])
