"""Matching and sampling of anchors."""

import numpy as np
import pytest
import torch

from densefit.tasks.detection.anchors import encode_boxes
from densefit.tasks.detection.assign import match_anchors
from densefit.tasks.detection.faster_rcnn.anchor_sampling import sample_anchors
from densefit.tasks.detection.faster_rcnn.encoding import UNSCALED

LIMITS = (0.7, 0.3)


def random_boxes(rng, count):
    low = rng.uniform(0, 80, (count, 2))
    return np.concatenate([low, low + rng.uniform(4, 40, (count, 2))], axis=1).astype(np.float32)


def match(anchors, boxes, ignored=(), crowd=()):
    numbers = np.arange(len(boxes))
    flags = np.isin(numbers, ignored), np.isin(numbers, crowd)
    return match_anchors(anchors, np.asarray(boxes, np.float32), *flags, *LIMITS, low_quality=True)


@pytest.mark.parametrize("seed", range(3))
def test_torchvision_s_matches(seed):
    from tests.references.torchvision_cpu import torchvision

    rng = np.random.default_rng(seed)
    anchors, boxes = random_boxes(rng, 400), random_boxes(rng, 6)
    iou = torchvision.ops.box_iou(torch.from_numpy(boxes), torch.from_numpy(anchors))
    matcher = torchvision.models.detection._utils.Matcher(*LIMITS, allow_low_quality_matches=True)
    expected = matcher(iou).numpy()
    expected = np.where(expected >= 0, expected + 1, np.where(expected == -1, 0, -1))
    received = match(anchors, boxes)
    np.testing.assert_array_equal(received, expected)
    assert {-1, 0} < set(received)


def test_offsets_are_torchvision_s():
    from tests.references.torchvision_cpu import torchvision

    rng = np.random.default_rng(1)
    boxes, anchors = random_boxes(rng, 9), random_boxes(rng, 9)
    coder = torchvision.models.detection._utils.BoxCoder((1.0, 1.0, 1.0, 1.0))
    expected = coder.encode_single(torch.from_numpy(boxes), torch.from_numpy(anchors))
    np.testing.assert_allclose(
        encode_boxes(boxes, anchors, UNSCALED), expected, rtol=1e-5, atol=1e-6
    )


ANCHORS = np.array([[0, 0, 20, 20], [0, 0, 20, 10], [50, 50, 70, 70], [80, 80, 99, 99]], np.float32)


def test_without_boxes_all_is_background():
    assert match(ANCHORS, np.zeros((0, 4))).tolist() == [0, 0, 0, 0]


def test_difficult_boxes_are_ignored_where_nothing_is_learned():
    boxes = [[0, 0, 20, 20], [50, 50, 70, 70]]
    assert match(ANCHORS, boxes, ignored=[1]).tolist() == [1, -1, -1, 0]


def test_anchors_in_a_crowd_are_no_background():
    boxes = [[0, 0, 20, 20], [40, 40, 99, 99]]
    assert match(ANCHORS, boxes, crowd=[1]).tolist() == [1, -1, -1, -1]


def test_boxes_without_area_or_outside_match_nothing():
    boxes = [[10, 10, 10, 30], [200, 200, 230, 230]]
    assert match(ANCHORS, boxes).tolist() == [0, 0, 0, 0]


def test_samples_are_half_positive_at_most():
    matched = np.array([1] * 30 + [0] * 100 + [-1] * 50)
    chosen = sample_anchors(matched, 40, 0.5, np.random.default_rng(0))
    assert len(set(chosen)) == 40
    assert (matched[chosen[:20]] == 1).all()
    assert (matched[chosen[20:]] == 0).all()
    few = sample_anchors(np.array([-1, 1, 0, 0]), 40, 0.5, np.random.default_rng(0))
    assert few.tolist() == [1, 2, 3]


def test_samples_are_drawn_evenly():
    matched = np.repeat([1, 0], 50)
    counts = np.zeros(100)
    for seed in range(400):
        counts[sample_anchors(matched, 20, 0.5, np.random.default_rng(seed))] += 1
    assert counts.sum() == 8000
    assert counts.min() > 40
    assert counts.max() < 130
