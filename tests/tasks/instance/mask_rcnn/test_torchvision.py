"""The whole head computes what torchvision's Mask R-CNN computes, with the same parameters."""

import numpy as np
import pytest
import torch

import densefit as df
from tests.tasks.detection.faster_rcnn.conftest import (
    POOLED,
    SETTINGS,
    SIZE,
    Behind,
    encoded,
    feature_maps,
    samples,
)
from tests.tasks.detection.faster_rcnn.test_torchvision import LOSSES, close, torch_maps

#: Sides above 28 and up to 56 pixels: torchvision takes two samples per cell, as we always do.
BOXES = [
    np.array([[10, 8, 50, 60], [30, 20, 80, 70], [70, 10, 112, 44]], np.float32),
    np.array([[64, 40, 110, 88]], np.float32),
    np.zeros((0, 4), np.float32),
]


@pytest.fixture
def head():
    # All positive boxes are those of the ground truth: proposals hardly overlap them.
    settings = {key: value for key, value in SETTINGS.items() if key not in ("classes", "name")}
    settings.update(iou_positive=0.999, sampled=400)
    return df.head("mask_rcnn", classes=3, name="own", mask_channels=6, detection=settings)


@pytest.fixture
def behind(head):
    behind = Behind(head)
    head.detector.levels = head.levels
    return behind


@pytest.fixture
def reference(head):
    from tests.references.torchvision_rcnn import RCNN

    settings = head.detector
    settings.mask_channels = head.mask_channels
    return RCNN(settings, SIZE, POOLED).randomize()


def masked_samples():
    """Samples with an ellipse in each box; later objects lie over earlier ones."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    maps = []
    for boxes in BOXES:
        instances = np.zeros(SIZE, np.int64)
        for number, (x1, y1, x2, y2) in enumerate(boxes):
            across, down = (2 * x - x1 - x2) / (x2 - x1), (2 * y - y1 - y2) / (y2 - y1)
            instances[across**2 + down**2 < 1] = 7 + number
        maps.append(instances)
    ids = [7 + np.arange(len(boxes)) for boxes in BOXES]
    return samples(boxes=BOXES, instances=maps, instance_ids=ids)


def test_losses_and_gradients(behind, reference):
    maps, own = feature_maps(), masked_samples()
    labels = encoded(behind.head, own)
    terms = behind.train()
    executor = behind.bind(terms, reference.arrays("own"), maps, labels)
    received = dict(zip(terms, executor.forward(is_train=True)))
    executor.backward()
    levels = [np.zeros_like(data) for data in maps]
    for row, sample in enumerate(own):
        ids = sample.targets["instance_ids"]
        masks = sample.targets["instances"] == ids[:, None, None]
        target = {
            "boxes": torch.from_numpy(sample.targets["boxes"]),
            "labels": torch.from_numpy(sample.targets["classes"] + 1),
            "masks": torch.from_numpy(masks.astype(np.uint8)),
        }
        inputs = torch_maps(maps, slice(row, row + 1))
        losses = reference.train()(inputs, [target])
        sum(losses.values()).backward()
        for name, key in {**LOSSES, "mask_loss": "loss_mask"}.items():
            assert received[name][row] == pytest.approx(losses[key].item(), rel=1e-4, abs=1e-6)
        for level, data in zip(levels, inputs):
            level[row] = data.grad[0].numpy()
    assert (received["mask_loss"] > 0).tolist() == [True, True, False]
    for index, expected in enumerate(levels):
        close(executor.grad_dict[f"level{index}"], expected, f"level {index}")
    for name, expected in reference.arrays("own", gradients=True).items():
        close(executor.grad_dict[name], expected, name)


def test_detections_and_their_masks(behind, reference):
    maps = feature_maps()
    outputs = behind.head.evaluate(behind.features)
    boxes, masks = behind.bind(outputs, reference.arrays("own"), maps).forward()
    with torch.no_grad():
        expected = reference.eval()(torch_maps(maps))
    for rows, own, result in zip(boxes, masks, expected):
        used = rows[:, 0] >= 0
        assert used.sum() == len(result["boxes"]) > 3
        close(rows[used, 2:], result["boxes"].numpy())
        probabilities = result["masks"][:, 0].numpy()
        assert np.abs(own[used] / 255 - probabilities).max() < 0.5 / 255 + 1e-3
        assert probabilities.std() > 0.01
