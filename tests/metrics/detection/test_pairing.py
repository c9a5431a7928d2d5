import numpy as np
import pytest

from densefit.errors import ConfigError
from densefit.metrics.detection.pairing import LEFT_OUT, UNMATCHED, pair


def objects(boxes, classes=None, images=None, **further):
    count = len(boxes)
    columns = {
        "image": np.zeros(count, int) if images is None else np.array(images),
        "boxes": np.array(boxes, float).reshape(-1, 4),
        "classes": np.zeros(count, int) if classes is None else np.array(classes),
        "crowd": np.zeros(count, bool),
        "difficult": np.zeros(count, bool),
        "scores": np.ones(count),
    }
    return {**columns, **{name: np.array(values) for name, values in further.items()}}


def test_pairs_of_one_class_come_first():
    truth = objects([[0, 0, 10, 10]], classes=[1])
    detections = objects([[0, 0, 10, 10], [0, 0, 10, 7]], classes=[0, 1])
    pairing = pair(detections, truth)
    assert pairing.of_truth.tolist() == [1]
    assert pairing.of_detection.tolist() == [UNMATCHED, 0]
    assert pairing.same_class.tolist() == [0.0, 0.7]


def test_an_overlap_at_the_threshold_is_no_match():
    truth, detections = objects([[0, 0, 10, 10]]), objects([[0, 0, 10, 5]])
    assert pair(detections, truth, iou=0.5).of_truth.tolist() == [UNMATCHED]
    assert pair(detections, truth, iou=0.49).of_truth.tolist() == [0]


def test_images_are_apart_and_low_scores_left_out():
    truth = objects([[0, 0, 9, 9]] * 3, images=[0, 1, 3])
    detections = objects([[0, 0, 9, 9]] * 3, images=[1, 2, 3], scores=[0.5, 0.5, 0.4])
    pairing = pair(detections, truth, score_threshold=0.5)
    assert pairing.of_truth.tolist() == [UNMATCHED, 0, UNMATCHED]
    assert pairing.of_detection.tolist() == [1, UNMATCHED, LEFT_OUT]


def test_crowds_and_difficult_boxes_count_nowhere():
    truth = objects(
        [[0, 0, 100, 100], [200, 0, 210, 10]], crowd=[True, False], difficult=[False, True]
    )
    detections = objects([[5, 5, 10, 10], [200, 0, 210, 10], [300, 0, 310, 10]])
    pairing = pair(detections, truth)
    assert pairing.of_truth.tolist() == [LEFT_OUT, LEFT_OUT]
    assert pairing.of_detection.tolist() == [LEFT_OUT, LEFT_OUT, UNMATCHED]


def test_no_boxes_at_all():
    pairing = pair(objects([]), objects([]))
    assert len(pairing.of_truth) == len(pairing.of_detection) == 0


def test_an_impossible_overlap():
    with pytest.raises(ConfigError, match="no overlap"):
        pair(objects([]), objects([]), iou=1.0)
