"""Anchors: order, sizes, coverage of boxes of all shapes; offsets as MXNet decodes them."""

import doctest

import numpy as np
import pytest

from densefit.symbol import sym
from densefit.tasks.detection import anchors as anchors_module
from densefit.tasks.detection.anchors import (
    VARIANCES,
    anchor_boxes,
    anchor_count,
    anchor_shapes,
    encode_boxes,
    level_size,
)
from densefit.tasks.detection.assign import areas, intersections
from tests.executor import compute


def test_a_level_by_hand():
    boxes = anchor_boxes((16, 24), (8,), (((8.0, 8.0), (16.0, 4.0)),))
    assert boxes.shape == (2 * 3 * 2, 4)
    assert boxes.dtype == np.float32
    np.testing.assert_array_equal(boxes[0], [0, 0, 8, 8])
    np.testing.assert_array_equal(boxes[1], [-4, 2, 12, 6])
    np.testing.assert_array_equal(boxes[2], [8, 0, 16, 8])  # next column
    np.testing.assert_array_equal(boxes[6], [0, 8, 8, 16])  # next row
    assert not boxes.flags.writeable


@pytest.mark.parametrize("size", [(96, 128), (65, 33), (7, 500)])
def test_count_and_odd_sizes(size):
    strides = (8, 16, 32)
    shapes = tuple(anchor_shapes([s * 3], [1, 2, 0.5]) for s in strides)
    boxes = anchor_boxes(size, strides, shapes)
    assert len(boxes) == anchor_count(size, strides, shapes)
    assert level_size(size, 8) == (int(np.ceil(size[0] / 8)), int(np.ceil(size[1] / 8)))


def test_ratios_keep_the_area():
    shapes = np.array(anchor_shapes([10, 14], [1, 2, 0.5], every_ratio=True))
    np.testing.assert_allclose(shapes.prod(axis=1), [100, 100, 100, 196, 196, 196])
    np.testing.assert_allclose((shapes[:, 0] / shapes[:, 1])[:3], [1, 2, 0.5])


def test_anchors_cover_boxes_of_ordinary_size_and_shape():
    strides = (8, 16, 32, 64)
    shapes = tuple(anchor_shapes([s * 3, s * 3 * 2**0.5], [1, 2, 0.5]) for s in strides)
    anchors = anchor_boxes((384, 512), strides, shapes)
    rng = np.random.RandomState(0)
    side = np.exp(rng.uniform(np.log(24), np.log(270), 300))
    ratio = np.exp(rng.uniform(np.log(0.5), np.log(2), 300)) ** 0.5
    sides = np.stack([side * ratio, side / ratio], axis=1).clip(0, [512, 384])
    corner = rng.rand(300, 2) * ([512, 384] - sides)
    boxes = np.concatenate([corner, corner + sides], axis=1).astype(np.float32)
    shared = intersections(boxes, anchors)
    iou = shared / (areas(boxes)[:, None] + areas(anchors) - shared)
    assert (iou.max(axis=1) > 0.5).mean() > 0.97
    assert iou.max(axis=1).min() > 0.35


def test_examples():
    assert doctest.testmod(anchors_module).attempted > 0
    assert doctest.testmod(anchors_module).failed == 0


def random_boxes(rng, count):
    corner = rng.rand(count, 2) * 200 - 20
    return np.concatenate([corner, corner + rng.rand(count, 2) * 90 + 4], 1).astype(np.float32)


def test_an_anchor_has_no_offset_from_itself():
    boxes = random_boxes(np.random.RandomState(1), 5)
    offsets = encode_boxes(boxes, boxes)
    assert offsets.dtype == np.float32
    np.testing.assert_array_equal(offsets, 0)


def test_multiboxdetection_decodes_the_offsets_to_the_boxes():
    rng = np.random.RandomState(2)
    anchors, boxes = random_boxes(rng, 8) / 256, random_boxes(rng, 8) / 256
    scores = np.zeros((1, 2, 8), np.float32)
    scores[0, 1] = np.linspace(0.9, 0.2, 8)
    arrays = {
        "scores": scores,
        "offsets": encode_boxes(boxes, anchors).reshape(1, -1),
        "anchors": anchors[None],
    }
    symbol = sym.contrib.MultiBoxDetection(
        *map(sym.Variable, arrays), nms_threshold=-1, clip=False, variances=VARIANCES
    )
    (out,) = compute(symbol, arrays)
    np.testing.assert_allclose(out[0, :, 2:], boxes, atol=1e-5)
