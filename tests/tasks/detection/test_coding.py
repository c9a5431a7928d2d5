"""Offsets: there and back, and MXNet's own coding."""

import numpy as np

from densefit.backend import mx
from densefit.tasks.detection.coding import VARIANCES, decode_boxes, encode_boxes


def random_boxes(rng, count):
    corner = rng.rand(count, 2) * 200 - 20
    return np.concatenate([corner, corner + rng.rand(count, 2) * 90 + 4], 1).astype(np.float32)


def test_decode_inverts_encode():
    rng = np.random.RandomState(0)
    boxes, anchors = random_boxes(rng, 200), random_boxes(rng, 200)
    offsets = encode_boxes(boxes, anchors)
    assert offsets.dtype == np.float32
    np.testing.assert_allclose(decode_boxes(offsets, anchors), boxes, atol=2e-3)


def test_an_anchor_is_zero_from_itself():
    boxes = random_boxes(np.random.RandomState(1), 5)
    np.testing.assert_array_equal(encode_boxes(boxes, boxes), 0)


def test_same_as_multiboxdetection():
    rng = np.random.RandomState(2)
    anchors = random_boxes(rng, 8) / 256
    offsets = (rng.randn(8, 4) * 0.5).astype(np.float32)
    scores = np.zeros((1, 2, 8), np.float32)
    scores[0, 1] = np.linspace(0.9, 0.2, 8)
    out = mx.nd.contrib.MultiBoxDetection(
        mx.nd.array(scores),
        mx.nd.array(offsets.reshape(1, -1)),
        mx.nd.array(anchors[None]),
        nms_threshold=-1,
        clip=False,
        variances=VARIANCES,
    ).asnumpy()[0]
    np.testing.assert_allclose(out[:, 2:], decode_boxes(offsets, anchors), atol=1e-5)
