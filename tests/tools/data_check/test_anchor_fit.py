import numpy as np
import pytest

from densefit.data.sample import Sample
from densefit.data.transforms import transforms
from densefit.model.heads.head import head
from densefit.tools.data_check.anchor_fit import anchor_heads, best_iou, boxes_in_input

RNG = np.random.default_rng(0)


def boxes_in(height, width, count):
    corners = RNG.uniform(-5, [width, height], (count, 2))
    return np.concatenate([corners, corners + RNG.uniform(1, 90, (count, 2))], axis=1)


def iou_matrix(boxes, anchors):
    low = np.maximum(boxes[:, None, :2], anchors[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], anchors[None, :, 2:])
    common = (high - low).clip(0).prod(axis=2)
    areas = [(array[:, 2:] - array[:, :2]).prod(axis=1) for array in (boxes, anchors)]
    return common / (areas[0][:, None] + areas[1][None] - common)


@pytest.mark.parametrize("size", [(96, 128), (75, 101)])
def test_best_iou_is_the_highest_of_all_anchors(size):
    detection = head("detection", classes=3, strides=[8, 16, 32], ratios=[1.0, 3.0, 0.4])
    boxes = boxes_in(*size, 300)
    best = best_iou(boxes, size, detection.strides, detection.shapes(size))
    anchors = detection.anchors(size).astype(np.float64)
    np.testing.assert_allclose(best, iou_matrix(boxes, anchors).max(axis=1), atol=1e-6)


@pytest.mark.parametrize("resize", ["letterbox", "stretch"])
@pytest.mark.parametrize("size", [(60, 80), (33, 200), (500, 70), (96, 128)])
def test_boxes_are_where_the_transform_of_scoring_puts_them(resize, size):
    name = "letterbox" if resize == "letterbox" else "resize"
    boxes = np.array([[0, 0, size[1], size[0]], [1, 2, 25, 29]], np.float32)
    targets = {"boxes": boxes, "classes": np.zeros(2, np.int64)}
    sample = Sample("a", np.zeros((*size, 3), np.uint8), targets)
    expected = transforms.create(name, height=96, width=128)(sample, RNG).targets["boxes"]
    placed = boxes_in_input(boxes, np.array([size, size]), (96, 128), resize)
    np.testing.assert_allclose(placed, expected, atol=1e-4)


def test_heads_with_anchors():
    heads = [head(task, classes=2, name=task) for task in ("segmentation", "detection", "instance")]
    assert list(anchor_heads(heads)) == ["detection", "instance"]
