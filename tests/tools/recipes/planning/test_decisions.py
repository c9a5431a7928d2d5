"""Decisions from the data's sizes and the machine."""

import numpy as np
import pytest

from densefit.tools.recipes.planning.decisions import Machine, batch_size, epochs, image_size
from densefit.tools.recipes.planning.fingerprint import Fingerprint

GIB = 2.0**30
TWO_CORES = Machine(2, 8 * GIB)
GPU = Machine(16, 80 * GIB, is_gpu=True)


def data(*sizes, sides=(), samples=500):
    return Fingerprint(samples, np.array(sizes, float), np.array(sides, float))


@pytest.mark.parametrize(
    ("sizes", "sides", "machine", "expected"),
    [
        ([(240, 320)], [60], TWO_CORES, (256, 320)),  # as the images
        ([(480, 640)], [200], TWO_CORES, (288, 384)),  # as many pixels as 320x320, nearly
        ([(480, 640)], [200], Machine(8, GIB), (480, 640)),  # more cores
        ([(480, 640)], [200], GPU, (480, 640)),
        ([(3000, 4000)], [900], GPU, (544, 736)),
        ([(480, 640)], [16], TWO_CORES, (416, 544)),  # small objects have more pixels
        ([(480, 640)], [25], TWO_CORES, (320, 416)),  # as many as they need
        ([(640, 480), (480, 640)], [200], TWO_CORES, (320, 320)),  # of both orientations
        ([(28, 28)], [], TWO_CORES, (96, 96)),
        ([(300, 300)], [], TWO_CORES, (288, 288)),
    ],
)
def test_the_image_size(sizes, sides, machine, expected):
    assert image_size(data(*sizes, sides=sides), machine)[0] == expected


def test_the_reason_names_what_decided():
    assert image_size(data((240, 320)), TWO_CORES)[1] == "the images' median size"
    assert "2 cores" in image_size(data((480, 640), sides=[200]), TWO_CORES)[1]
    assert "under 16 pixels" in image_size(data((480, 640), sides=[16]), TWO_CORES)[1]
    both = data((640, 480), (480, 640))
    assert "portraits and landscapes" in image_size(both, TWO_CORES)[1]


@pytest.mark.parametrize(
    ("samples", "size", "machine", "expected", "why"),
    [
        (500, (320, 320), TWO_CORES, 8, "CPUs"),
        (500, (320, 320), Machine(2, GIB), 2, "memory"),
        (500, (320, 320), Machine(2, None), 8, "CPUs"),
        (20, (320, 320), TWO_CORES, 4, "only 20 images"),
        (1, (320, 320), TWO_CORES, 2, "only 1 images"),
        (5000, (320, 320), GPU, 32, "GPU"),
    ],
)
def test_the_batch(samples, size, machine, expected, why):
    batch, reason = batch_size(samples, size, machine)
    assert batch == expected
    assert why in reason


@pytest.mark.parametrize(
    ("samples", "batch", "has_weights", "expected"),
    [(80, 8, True, 80), (80, 8, False, 250), (8, 8, True, 300), (100_000, 8, True, 12)],
)
def test_the_length(samples, batch, has_weights, expected):
    number, why = epochs(samples, batch, has_weights)
    assert number == expected
    assert f"{samples // batch} an epoch" in why
