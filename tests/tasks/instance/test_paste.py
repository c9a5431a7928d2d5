"""Masks brought back to the original image, against plain interpolation."""

import json

import numpy as np
import pytest
from pycocotools import mask as coco

from densefit.data.sample import Geometry
from densefit.tasks.instance.paste import paste_mask, paste_masks, pixel_window

SIZE, INPUT = (45, 70), (64, 96)
MATRICES = {
    "same": [[1, 0, 0], [0, 1, 0]],
    "letterbox": [[1.3, 0, 2.5], [0, 1.3, 3]],
    "mirrored": [[-1.2, 0, 90], [0, 1.4, 0]],
    "small": [[0.4, 0, 1], [0, 0.5, 2]],
}


def interpolated(probability, x, y):
    """Bilinear, edges repeated; x, y in cells, between centres."""
    height, width = probability.shape
    left, top = int(np.floor(x)), int(np.floor(y))
    total = 0.0
    for row, b in ((top, 1 - (y - top)), (top + 1, y - top)):
        for column, a in ((left, 1 - (x - left)), (left + 1, x - left)):
            total += (
                a * b * probability[min(max(row, 0), height - 1), min(max(column, 0), width - 1)]
            )
    return total


@pytest.mark.parametrize("stride", [2, 4])
@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
def test_pixels_are_interpolated_at_their_centres(matrix, stride):
    rng = np.random.default_rng(0)
    probability = rng.integers(0, 256, (INPUT[0] // stride, INPUT[1] // stride)).astype(np.uint8)
    geometry = Geometry(SIZE, np.array(matrix, np.float64), INPUT)
    (x1, y1, x2, y2), inside = paste_mask(
        probability, np.array([5.2, 3.6, 40.4, 30]), stride, geometry
    )
    assert (x1, y1, x2, y2) == (5, 4, 40, 30)
    assert inside.shape == (y2 - y1, x2 - x1)
    right = wrong = 0
    for (row, column), value in np.ndenumerate(inside):
        u, v = geometry.matrix @ (x1 + column + 0.5, y1 + row + 0.5, 1) / stride - 0.5
        expected = interpolated(probability, u, v)
        if abs(expected - 127.5) > 6:  # OpenCV interpolates in steps of 1/32 of a pixel
            right += value == (expected >= 128)
            wrong += value != (expected >= 128)
    assert right > 100 * wrong


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((1, 2, 5, 6), (1, 2, 5, 6)),
        ((1.5, 2.4, 4.6, 5.5), (1, 2, 5, 5)),
        ((3.6, 3.6, 3.9, 3.9), (3, 3, 4, 4)),  # no centre in it: the pixel that it lies in
        ((20, 9, 20, 10), (19, 9, 20, 10)),
        ((0, 0, 20, 10), (0, 0, 20, 10)),
    ],
)
def test_pixels_whose_centres_a_box_encloses(box, expected):
    assert pixel_window(np.array(box, np.float32), (10, 20)) == expected


def test_masks_stay_in_their_boxes_and_do_not_touch_one_another():
    full = np.full((16, 24), 255, np.uint8)
    geometry = Geometry((64, 96), np.eye(2, 3), (64, 96))
    boxes = np.array([[3, 5, 20, 30], [10, 10, 90, 60], [0, 0, 96, 64]], np.float32)
    masks = paste_masks([full, full // 3, full], boxes, 4, geometry)
    first, second, third = (coco.decode(mask) for mask in masks)
    assert (first.shape, first.sum()) == ((64, 96), 17 * 25)
    assert first[5:30, 3:20].all()
    assert not second.any()
    assert third.all()
    assert json.loads(json.dumps(masks)) == masks
    assert paste_masks([], boxes[:0], 4, geometry) == []
