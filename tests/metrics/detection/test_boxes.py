import numpy as np
import pytest
from pycocotools import mask

from densefit.metrics.detection.boxes import areas, coco_iou, pairwise_iou


def boxes(n, seed):
    b = np.random.default_rng(seed).random((n, 4)) * 50
    b[:, 2:] += b[:, :2]
    return b


def test_equals_pycocotools():
    a, b = boxes(20, 0), boxes(15, 1)
    xywh = [np.concatenate([x[:, :2], x[:, 2:] - x[:, :2]], axis=1) for x in (a, b)]
    expected = mask.iou(xywh[0], xywh[1], [0] * 15)
    np.testing.assert_allclose(pairwise_iou(a, b), expected, rtol=0, atol=1e-15)


def test_exact_values():
    one = np.float32([[0, 0, 10, 10]])
    others = np.float32([[0, 0, 10, 5], [5, 5, 15, 15], [10, 0, 20, 10], [0, 0, 10, 10]])
    assert pairwise_iou(one, others).tolist() == [[0.5, 25 / 175, 0.0, 1.0]]
    assert areas(one).tolist() == [100.0]


def test_empty_boxes_have_no_overlap():
    point = np.float32([[3, 3, 3, 3]])
    assert pairwise_iou(point, point).tolist() == [[0.0]]
    assert pairwise_iou(np.zeros((0, 4)), point).shape == (0, 1)


@pytest.mark.parametrize("far", [[11, 0, 20, 10], [10, 0, 20, 10]])
def test_the_devkits_extra_pixel(far):
    one = np.float32([[0, 0, 9, 9]])
    assert areas(one, offset=1.0).tolist() == [100.0]
    assert pairwise_iou(one, np.float32([far]), offset=1.0).tolist() == [[0.0]]
    assert pairwise_iou(one, np.float32([[0, 0, 9, 4]]), offset=1.0).tolist() == [[0.5]]


@pytest.mark.parametrize("whole", [True, False])
def test_pairs_equal_pycocotools_to_the_last_bit(whole):
    r = np.random.default_rng(0)
    found, true = r.random((40, 4)) * 30, r.random((30, 4)) * 30
    if whole:  # many touch, and some are empty
        found, true = np.floor(found / 4), np.floor(true / 4)
    crowd = r.random(30) < 0.4
    expected = mask.iou(found, true, crowd.astype(np.uint8))
    rows, columns = (part.ravel() for part in np.indices((40, 30)))
    values = coco_iou(found[rows], true[columns], crowd[columns])
    assert (values == expected.ravel()).all()
    assert 0 < (values > 0).mean() < 1


def test_no_pairs():
    none = np.zeros((0, 4))
    assert coco_iou(none, none, np.zeros(0, bool)).shape == (0,)
