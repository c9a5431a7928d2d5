"""Anchors of the region proposal network."""

import numpy as np
import pytest
import torch

from densefit.tasks.detection.faster_rcnn.anchors import (
    anchor_shapes,
    grid_anchors,
    level_anchors,
)
from tests.executor import compute

SIZE = (96, 160)
STRIDES = (4, 8, 16, 32, 64)
SIZES = [(24.0, 32.0), (48.0, 70.0), (100.0, 128.0), (256.0, 300.0), (512.0, 600.0)]
RATIOS = (2.0, 1.0, 0.5)


@pytest.fixture
def shapes():
    return [anchor_shapes(sizes, RATIOS) for sizes in SIZES]


def test_torchvision_s_anchors(shapes):
    from tests.references.torchvision_cpu import torchvision

    utils = torchvision.models.detection
    ratios = (tuple(1 / ratio for ratio in RATIOS),) * len(SIZES)
    generator = utils.anchor_utils.AnchorGenerator(tuple(SIZES), ratios)
    images = utils.image_list.ImageList(torch.zeros(1, 3, *SIZE), [SIZE])
    maps = [torch.zeros(1, 1, -(-SIZE[0] // stride), -(-SIZE[1] // stride)) for stride in STRIDES]
    # torchvision's stride of the last map is not whole: 96 // 2.
    (expected,) = generator(images, maps[:-1] + [maps[-1][:, :, :1, :2]])
    count = sum(map.shape[2] * map.shape[3] for map in maps[:-1]) * 6
    np.testing.assert_allclose(grid_anchors(SIZE, STRIDES, shapes)[:count], expected[:count])


def test_symbols_are_the_same(shapes):
    whole = [level_anchors(SIZE, *level) for level in zip(STRIDES, shapes)]
    received = np.concatenate([compute(level, {})[0] for level in whole])
    np.testing.assert_array_equal(received, grid_anchors(SIZE, STRIDES, shapes))


def test_small_anchors_have_an_area():
    assert anchor_shapes([1], [1]) == ((2, 2),)
