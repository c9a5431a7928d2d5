"""Masks of boxes in the original image."""

import cv2
import numpy as np
import pytest
import torch
from pycocotools import mask as coco

from densefit.data.sample import Geometry
from densefit.tasks.instance.mask_rcnn.paste import paste_regions, to_cells

ORIGINAL, INPUT = (60, 80), (120, 160)


def ellipse(size=28):
    """uint8 probability of an ellipse that is cut in the upper left quarter."""
    y, x = (np.mgrid[:size, :size] + 0.5) / size * 2 - 1
    inside = (x**2 + y**2 < 0.8) & ~((x < 0) & (y < 0))
    return inside.astype(np.uint8) * 255


def pasted(boxes, geometry, mask=None):
    """(m, H, W) bool masks of boxes in original pixels."""
    corners = np.asarray(boxes, np.float64).reshape(-1, 2)
    moved = (corners @ geometry.matrix[:, :2].T + geometry.matrix[:, 2]).reshape(-1, 4)
    moved = np.concatenate(
        [np.minimum(moved[:, :2], moved[:, 2:]), np.maximum(moved[:, :2], moved[:, 2:])], axis=1
    )
    masks = [ellipse() if mask is None else mask] * len(boxes)
    texts = paste_regions(masks, moved, np.asarray(boxes, np.float32), geometry)
    assert all(text["size"] == list(geometry.size) for text in texts)
    return np.stack([coco.decode(text) for text in texts]) > 0


def resized(mirrored=False):
    matrix = [[-2, 0, 160], [0, 2, 0]] if mirrored else [[2, 0, 0], [0, 2, 0]]
    return Geometry(ORIGINAL, np.array(matrix, np.float64), INPUT)


@pytest.mark.parametrize("box", [[10, 5, 66, 55], [3, 20, 31, 48], [40, 8, 75, 30]])
def test_torchvision_pastes_alike(box):
    from tests.references.torchvision_rcnn import detection

    paste = detection.roi_heads.paste_masks_in_image
    probability = torch.from_numpy(ellipse() / 255)[None, None].float()
    theirs = paste(probability, torch.tensor([box], dtype=torch.float32), ORIGINAL)[0, 0] > 0.5
    (ours,) = pasted([box], resized())
    # It takes the last pixel as part of the box: masks are up to a pixel larger.
    wide = cv2.dilate(ours.astype(np.uint8), np.ones((3, 3))) > 0
    narrow = cv2.erode(ours.astype(np.uint8), np.ones((3, 3))) > 0
    assert narrow.sum() > 100
    assert not (theirs.numpy() & ~wide).any()
    assert not (narrow & ~theirs.numpy()).any()


def test_the_mask_fills_its_box():
    (mask,) = pasted([[10, 20, 30, 40]], resized(), np.full((28, 28), 255, np.uint8))
    expected = np.zeros(ORIGINAL, bool)
    expected[20:40, 10:30] = True
    np.testing.assert_array_equal(mask, expected)


def test_mirrored_inputs_are_turned_back():
    """The mask is of the input, which shows the mirror image."""
    box = [[10, 5, 66, 55]]
    (plain,), (mirrored,) = pasted(box, resized()), pasted(box, resized(mirrored=True))
    expected = np.zeros_like(plain)
    expected[:, 10:66] = plain[:, 10:66][:, ::-1]
    assert (mirrored != expected).mean() < 0.005
    assert (mirrored != plain).mean() > 0.05


def test_boxes_without_area_are_finite():
    assert np.isfinite(to_cells(np.array([5.0, 5, 5, 5]), (28, 28))).all()
