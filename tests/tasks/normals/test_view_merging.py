"""Normals of several views: a mirrored one is mirrored back, place and direction."""

import numpy as np
import pytest

from densefit.data.geometry.image_ops import flip
from densefit.data.loader.views import Views
from densefit.data.sample import Sample
from densefit.tasks.normals.head import Normals
from densefit.tasks.normals.vectors import unit
from tests.executor import engine_array


def scene(height, width):
    """A sample whose image shows its own vectors."""
    y, x = np.mgrid[:height, :width]
    vectors = np.dstack([x / width - 0.3, y / height - 0.8, np.full((height, width), 0.7)])
    vectors = unit(vectors)[0]
    image = np.rint(127.5 * (vectors + 1)).astype(np.uint8)
    return Sample("a", image, {"normals": vectors}), vectors


def seen(image, mirrored):
    """What a perfect network finds in a view: (1, 3, H, W)."""
    shown = unit(image / 127.5 - 1)[0]
    if mirrored:  # the image's colours did not turn with it, as a real scene's light would
        shown = shown * np.float32([-1, 1, 1])
    return {"normals": engine_array(shown.transpose(2, 0, 1)[None])}


@pytest.mark.parametrize(
    "views",
    [
        Views(flip=True, fit="original", overlap=0.4),
        Views(flip=True),
        Views(flip=True, fit="stretch", scales=(0.8, 1.3)),
    ],
    ids=str,
)
def test_a_perfect_network_stays_perfect(views):
    sample, vectors = scene(29, 37)
    merger = Normals().view_merger((29, 37))
    for image, view in views.of(sample, (24, 28)):
        merger.add(seen(image, view.mirrored), view)
    found = merger.result()
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), 1, atol=1e-5)
    edge = np.s_[3:-3, 3:-3]
    assert np.abs(found - vectors)[edge].max() < 0.03


def test_a_mirrored_view_is_what_the_transform_makes():
    sample, vectors = scene(8, 12)
    turned = flip(sample).targets["normals"]
    merger = Normals().view_merger((8, 12))
    _, (_, view) = Views(flip=True).of(sample, (8, 12))
    merger.add({"normals": engine_array(turned.transpose(2, 0, 1)[None])}, view)
    np.testing.assert_allclose(merger.result(), vectors, atol=1e-6)
