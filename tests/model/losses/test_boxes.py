"""Losses of boxes: values and gradients beside the papers' formulas in PyTorch."""

import math

import numpy as np
import pytest
import torch

from densefit.model.losses.boxes import OVERLAPS, iou_loss
from densefit.symbol import sym
from tests.executor import Executor


def pairs(seed=0, count=40):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 60, (2, 2, count, 2))
    size = rng.uniform(2, 40, (2, 2, count, 2))
    return np.concatenate([corner, corner + size], axis=-1).astype(np.float32)


def restated(kind, boxes, truth, eps=1e-7):
    """As torchvision.ops.{generalized,distance,complete}_box_iou_loss."""
    x1, y1, x2, y2 = boxes.unbind(-1)
    x1g, y1g, x2g, y2g = truth.unbind(-1)
    width = (torch.min(x2, x2g) - torch.max(x1, x1g)).clamp_min(0)
    height = (torch.min(y2, y2g) - torch.max(y1, y1g)).clamp_min(0)
    shared = width * height
    union = (x2 - x1) * (y2 - y1) + (x2g - x1g) * (y2g - y1g) - shared
    iou = shared / (union + eps)
    wide = torch.max(x2, x2g) - torch.min(x1, x1g)
    high = torch.max(y2, y2g) - torch.min(y1, y1g)
    if kind == "giou":
        return 1 - iou + (wide * high - union) / (wide * high + eps)
    apart = ((x1 + x2 - x1g - x2g) / 2) ** 2 + ((y1 + y2 - y1g - y2g) / 2) ** 2
    distance = apart / (wide**2 + high**2 + eps)
    if kind == "diou":
        return 1 - iou + distance
    angle = torch.atan((x2g - x1g) / (y2g - y1g)) - torch.atan((x2 - x1) / (y2 - y1))
    aspect = 4 / math.pi**2 * angle**2
    with torch.no_grad():
        factor = aspect / (1 - iou + aspect + eps)
    return 1 - iou + distance + factor * aspect


def computed(kind, boxes, truth):
    loss = sym.MakeLoss(iou_loss(kind, sym.Variable("boxes"), sym.Variable("truth")))
    executor = Executor(loss, boxes=boxes.shape, truth=truth.shape)
    executor.arg_dict["boxes"][:], executor.arg_dict["truth"][:] = boxes, truth
    (values,) = executor.forward(is_train=True)
    executor.backward()
    return values, executor.grad_dict["boxes"]


@pytest.mark.parametrize("kind", OVERLAPS)
def test_values_and_gradients(each_engine, kind):
    boxes, truth = pairs()
    tensor = torch.tensor(boxes, dtype=torch.float64, requires_grad=True)
    loss = restated(kind, tensor, torch.tensor(truth, dtype=torch.float64))
    loss.sum().backward()
    values, gradient = computed(kind, boxes, truth)
    assert values.shape == boxes.shape[:-1]
    np.testing.assert_allclose(values, loss.detach().numpy(), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-4, atol=1e-6)


def test_known_values(each_engine):
    """Equal boxes, boxes that touch, and boxes apart, by hand."""
    truth = np.array([[0, 0, 4, 2], [0, 0, 2, 2], [0, 0, 1, 1]], np.float32)[None]
    boxes = np.array([[0, 0, 4, 2], [2, 0, 4, 2], [2, 0, 3, 1]], np.float32)[None]
    apart = 4 / 10  # centres 2 apart, an enclosing box of 3 x 1
    for kind, wanted in (
        ("giou", [0, 1, 1 + 1 / 3]),
        ("diou", [0, 1 + 4 / 20, 1 + apart]),
        ("ciou", [0, 1 + 4 / 20, 1 + apart]),
    ):
        values, gradient = computed(kind, boxes, truth)
        np.testing.assert_allclose(values[0], wanted, atol=1e-6)
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("kind", OVERLAPS)
def test_boxes_without_area_have_finite_gradients(each_engine, kind):
    empty = np.zeros((1, 2, 4), np.float32)
    empty[0, 1] = (3, 3, 3, 9)
    for boxes, truth in ((empty, empty), (empty, pairs(1, 2)[0][:1]), (pairs(1, 2)[0][:1], empty)):
        for array in computed(kind, boxes, truth):
            assert np.isfinite(array).all()
