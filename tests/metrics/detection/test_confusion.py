import numpy as np
import pytest

from densefit.metrics.detection.boxes import pairwise_iou
from densefit.metrics.detection.confusion import BACKGROUND, confusion, sizes_by_outcome
from densefit.metrics.detection.pairing import pair
from tests.metrics.detection.test_pairing import objects


def of_supervision(detections, truth, classes, images, threshold, iou):
    """`ConfusionMatrix` of supervision 0.31.2 (`_confusion_matrix_from_iou`), pair by pair."""
    matrix = np.zeros((classes + 1, classes + 1), int)
    for image in range(images):
        sure = (detections["image"] == image) & (detections["scores"] >= threshold)
        boxes, kinds = detections["boxes"][sure], detections["classes"][sure]
        here = truth["image"] == image
        true, labels = truth["boxes"][here], truth["classes"][here]
        overlaps = pairwise_iou(true, boxes)
        pairs = [
            (labels[row] != kinds[column], -overlaps[row, column], row, column)
            for row, column in np.argwhere(overlaps > iou)
        ]
        rows, columns = set(), set()
        for _, _, row, column in sorted(pairs, key=lambda each: each[:2]):
            if row not in rows and column not in columns:
                matrix[labels[row], kinds[column]] += 1
                rows.add(row)
                columns.add(column)
        for row, label in enumerate(labels):
            matrix[label, classes] += row not in rows
        for column, kind in enumerate(kinds):
            matrix[classes, kind] += column not in columns
    return matrix


def drawn(r, count, images, classes):
    corners = r.random((count, 2)) * 20
    boxes = np.concatenate([corners, corners + 4 + r.random((count, 2)) * 16], axis=1)
    columns = {"images": np.sort(r.integers(0, images, count)), "scores": r.random(count)}
    return objects(boxes, r.integers(0, classes, count), **columns)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("threshold", "iou"), [(0.0, 0.5), (0.4, 0.3)])
def test_equals_supervision_on_random_boxes(seed, threshold, iou):
    r = np.random.default_rng(seed)
    images, classes = 6, 3
    truth, detections = drawn(r, 40, images, classes), drawn(r, 60, images, classes)
    pairing = pair(detections, truth, iou, threshold)
    matrix = confusion(pairing, detections["classes"], truth["classes"], ["a", "b", "c"])
    expected = of_supervision(detections, truth, classes, images, threshold, iou)
    assert matrix.names == ["a", "b", "c", BACKGROUND]
    assert (matrix.counts == expected).all()
    assert expected[:3, :3].any()


def test_sizes_of_missed_objects():
    truth = objects([[0, 0, 10, 10], [50, 0, 90, 40], [200, 0, 1000, 800]], classes=[0, 1, 1])
    truth["area"] = np.array([100.0, 1600.0, 640000.0])
    detections = objects([[50, 0, 90, 40], [200, 0, 1000, 800]], classes=[0, 1])
    sizes = sizes_by_outcome(pair(detections, truth), detections["classes"], truth, (0, 16, 64))
    assert {name: counts.tolist() for name, counts in sizes.items()} == {
        "right": [0, 0, 1],
        "wrong class": [0, 1, 0],
        "missed": [1, 0, 0],
    }
