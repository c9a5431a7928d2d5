import math

import numpy as np
import pytest

from densefit.metrics import MAE, COCOAveragePrecision, ConfusionMatrix, VOCAveragePrecision
from densefit.metrics.core.per_sample import PerSample
from densefit.tools.analysis.class_scores import class_scores
from densefit.tools.analysis.pass_metrics import SilentConfusion

CLASSES = ["cat", "dog", "fox"]
BOXES = np.array([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10]], float)


def scored(metric):
    """Two images: cats at 0.9 (right), 0.6 (right), 0.3 (wrong); a dog that nothing finds."""
    truth = [
        {"boxes": BOXES[:2], "classes": [0, 0]},
        {"boxes": BOXES, "classes": [1, 0, 0], "difficult": [False, True, True]},
    ]
    found = [
        {"boxes": BOXES[[0, 1]], "scores": [0.9, 0.6], "classes": [0, 0]},
        {"boxes": BOXES[[0]] + 100, "scores": [0.3], "classes": [0]},
    ]
    metric.update(found, truth, ["a", "b"])
    return metric


def nan_as_none(row):
    return {key: None if math.isnan(value) else value for key, value in row.items()}


@pytest.mark.parametrize("wrap", [PerSample, lambda metric: metric])
def test_boxes_have_counts_the_best_threshold_and_their_scores(wrap):
    metric = wrap(VOCAveragePrecision(CLASSES))
    scored(metric)
    scores = class_scores([metric], metric.compute())
    cat = {"images": 1, "objects": 2, "precision": 1.0, "recall": 1.0, "threshold": 0.6, "AP": 1.0}
    assert scores.rows["cat"] == cat  # the difficult ones count nowhere
    assert [type(scores.rows["cat"][key]) for key in ("images", "objects")] == [int, int]
    dog = nan_as_none(scores.rows["dog"])
    assert dog == {**dict.fromkeys(cat), "images": 1, "objects": 1, "AP": 0.0}
    assert nan_as_none(scores.rows["fox"]) == {**dict.fromkeys(cat), "images": 0, "objects": 0}
    assert scores.columns() == list(cat)
    assert scores.order == "AP"
    assert not scores.confusion


def test_coco_has_both_scores():
    metric = scored(COCOAveragePrecision(CLASSES))
    columns = class_scores([metric], metric.compute()).columns()
    assert columns[-2:] == ["AP50", "AP"]


def test_a_threshold_that_is_set_is_not_the_best_one():
    metric = scored(COCOAveragePrecision(CLASSES, score_threshold=0.8))
    scores = class_scores([metric], metric.compute())
    assert scores.rows["cat"]["recall"] == metric.compute()["recall/cat"] < 1
    assert "threshold" not in scores.columns()
    assert scores.note == ""


def test_masks_have_pixels():
    metric = ConfusionMatrix(CLASSES)
    metric.update([np.array([[0, 0, 1]])], [np.array([[0, 1, 1]])], ["a"])
    scores = class_scores([metric], {**metric.compute(), "boundary_IoU/cat": 0.25})
    rows = {name: nan_as_none(row) for name, row in scores.rows.items()}
    assert rows["cat"] == {"IoU": 0.5, "accuracy": 1.0, "boundary_IoU": 0.25, "pixels": 1}
    assert rows["dog"] == {"IoU": 0.5, "accuracy": 0.5, "boundary_IoU": None, "pixels": 2}
    assert rows["fox"] == {"IoU": None, "accuracy": None, "boundary_IoU": None, "pixels": 0}


def test_classified_images_have_counts_and_a_confusion_matrix():
    metric = SilentConfusion(CLASSES)
    metric.update(np.eye(3)[[0, 1, 1, 1]], [0, 0, 0, 1], list("abcd"))
    scores = class_scores([metric], {})
    assert scores.rows["cat"] == {"images": 3, "right": 1, "accuracy": pytest.approx(1 / 3)}
    assert nan_as_none(scores.rows["fox"]) == {"images": 0, "right": 0, "accuracy": None}
    assert scores.confusion["counts"] == [[1, 2, 0], [0, 1, 0], [0, 0, 0]]
    assert scores.values()["classes"]["fox"]["accuracy"] is None


def test_other_metrics_have_no_classes_to_count():
    assert class_scores([MAE()], {"mae": 1.0}) is None
