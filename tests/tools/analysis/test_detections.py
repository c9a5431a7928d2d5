import json

import numpy as np
import pytest

from densefit.metrics import COCOAveragePrecision, COCOMaskAveragePrecision, VOCAveragePrecision
from densefit.tools.analysis.detections import detection_analysis

NAMES = ["cell", "dust"]
BOXES = np.array([[0.0, 0, 20, 20], [40, 0, 60, 20]])


def updated(metric):
    """Image a: a right box and one of a wrong class; image b: a miss and a false detection."""
    metric.update(
        [
            {"boxes": BOXES, "scores": np.array([0.9, 0.8]), "classes": np.array([0, 0])},
            {"boxes": BOXES[1:] + 100, "scores": np.array([0.7]), "classes": np.array([1])},
        ],
        [
            {"boxes": BOXES, "classes": np.array([0, 1])},
            {"boxes": BOXES[:1], "classes": np.array([1])},
        ],
        ["b", "a"],
    )
    return metric


@pytest.mark.parametrize("kind", [COCOAveragePrecision, VOCAveragePrecision])
def test_of_boxes(kind):
    values, samples = detection_analysis(updated(kind(NAMES)), iou=0.5, score_threshold=0.5)
    assert values["confusion"]["counts"] == [[1, 0, 0], [1, 0, 1], [0, 1, 0]]
    assert values["kinds"]["missed"] == [0, 1]
    assert values["kinds"]["wrong class"] == [1, 1]
    assert values["sizes"]["missed"] == [0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert values["best_thresholds"]["cell"]["threshold"] == 0.9
    assert values["calibration"]["detections"] == 3
    assert {sample.id: sample.value for sample in samples} == {"b": 0.5, "a": 0.0}
    json.dumps(values, allow_nan=False)


def test_the_threshold_is_that_of_the_highest_f1_by_default():
    values, _ = detection_analysis(updated(COCOAveragePrecision(NAMES)), 0.5, None)
    assert values["score_threshold"] == 0.9
    assert values["confusion"]["counts"] == [[1, 0, 0], [0, 0, 2], [0, 0, 0]]


def test_of_masks_by_the_boxes_around_them():
    metric = COCOMaskAveragePrecision(NAMES)
    mask = np.zeros((1, 30, 30), bool)
    mask[:, 5:15, 5:15] = True
    metric.update(
        [{"masks": mask, "scores": np.array([0.9]), "classes": np.array([1])}],
        [{"masks": mask, "classes": np.array([1])}],
        ["a"],
    )
    values, samples = detection_analysis(metric, 0.5, 0.5)
    assert values["confusion"]["counts"][1][1] == 1
    assert samples[0].value == 1.0


def test_no_objects_at_all():
    metric = COCOAveragePrecision(NAMES)
    none = {"boxes": np.zeros((0, 4)), "classes": np.zeros(0, int)}
    metric.update([{**none, "scores": np.zeros(0)}], [none], ["a"])
    values, samples = detection_analysis(metric, 0.5, None)
    assert values["calibration"]["ECE"] is None
    assert [sample.value for sample in samples] == [1.0]
    json.dumps(values, allow_nan=False)
