"""True masks out of maps and out of whole masks."""

import numpy as np
import pytest
from pycocotools import mask as coco

from densefit.datasets import Shapes
from densefit.datasets.objects.masks import paint_instances
from densefit.metrics import COCOAveragePrecision, COCOMaskAveragePrecision
from densefit.tasks.instance.scoring import BoxAveragePrecision, true_masks


def test_masks_are_those_of_the_map():
    targets = Shapes(1, size=(64, 64), empty=0.0, seed=3)[0].targets
    truth = true_masks(targets)
    assert len(truth["masks"]) == len(targets["boxes"]) > 0
    for one, mask in zip(targets["instance_ids"], truth["masks"]):
        np.testing.assert_array_equal(coco.decode(mask), targets["instances"] == one)
    assert "area" not in truth  # the metric counts pixels; a VOC area is its box's


def test_whole_masks_go_before_those_that_overlaps_have_cut():
    polygons = [[[2, 2, 12, 2, 12, 12, 2, 12]], [[4, 4, 8, 4, 8, 8, 4, 8]]]
    things = [
        {"class": 0, "crowd": False, "area": area, "segmentation": polygon}
        for polygon, area in zip(polygons, (100.0, 16.0))
    ]
    instances, whole = paint_instances(things, (20, 20), "x")
    targets = {
        "boxes": np.array([[2, 2, 12, 12], [4, 4, 8, 8]], np.float32),
        "classes": np.zeros(2, np.int64),
        "area": np.array([100, 16], np.float32),
        "instances": instances,
        "instance_ids": np.array([1, 2]),
    }
    assert [int(coco.area(mask)) for mask in true_masks(targets)["masks"]] == [84, 16]
    truth = true_masks({**targets, "instance_masks": whole})
    assert [int(coco.area(mask)) for mask in truth["masks"]] == [100, 16]
    np.testing.assert_array_equal(truth["area"], [100, 16])


def test_what_is_found_on_an_object_of_unknown_pixels_is_not_wrong():
    instances = np.zeros((20, 30), np.uint16)
    instances[2:10, 2:10] = 1
    targets = {
        "boxes": np.array([[2, 2, 10, 10], [12, 4, 28, 18], [3, 3, 6, 6]], np.float32),
        "classes": np.zeros(3, np.int64),
        "instances": instances,
        "instance_ids": np.array([1, 0, 5]),  # 5 is hidden: it has no pixel
    }
    truth = true_masks(targets)
    np.testing.assert_array_equal(truth["crowd"], [False, True, True])
    assert "crowd" not in targets
    found = np.zeros((2, 20, 30), np.uint8)
    found[0, 2:10, 2:10] = found[1, 6:12, 14:20] = 1
    metric = COCOMaskAveragePrecision(1)
    prediction = {"masks": found, "scores": np.array([0.5, 0.9]), "classes": np.zeros(2)}
    metric.update([prediction], [truth], ["a"])
    assert metric.compute()["AP"] == pytest.approx(1)


def test_unknown_without_boxes_or_instances():
    targets = Shapes(1, size=(64, 64), empty=0.0)[0].targets
    for name in ("boxes", "classes", "instances", "instance_ids"):
        assert true_masks({key: v for key, v in targets.items() if key != name}) is None


def test_box_average_precision_is_coco_s_under_other_names():
    rng = np.random.default_rng(0)
    boxes = rng.random((6, 4)) * 20 + (0, 0, 20, 20)
    truth = {"boxes": boxes, "classes": rng.integers(0, 2, 6)}
    found = {**truth, "boxes": boxes + rng.normal(0, 2, (6, 4)), "scores": rng.random(6)}
    own, other = BoxAveragePrecision(2), COCOAveragePrecision(2)
    for metric in (own, other):
        metric.update([found], [truth], ["a"])
    expected = {f"box_{name}": value for name, value in other.compute().items()}
    np.testing.assert_equal(own.compute(), expected)
    np.testing.assert_equal(own.resampled({"a": 1}), expected)
    assert own.primary in expected
    assert 0 < expected["box_AP"] < 1
