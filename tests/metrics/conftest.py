"""pycocotools and faster-coco-eval driven directly, and states as older versions wrote them."""

import contextlib
import copy
import io

import faster_coco_eval  # of the extra `coco`, as one of the references
import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from densefit.metrics.core.state import SETTINGS

PACKAGES = {
    "pycocotools": (COCO, COCOeval),
    "faster-coco-eval": (faster_coco_eval.COCO, faster_coco_eval.COCOeval_faster),
}


def xywh(part):
    if "bbox" in part:
        return [[float(v) for v in box] for box in part["bbox"]]
    boxes = [[float(v) for v in box] for box in part["boxes"]]
    return [[x1, y1, x2 - x1, y2 - y1] for x1, y1, x2, y2 in boxes]


def columns(part, kind):
    """What annotations have beside image, class and score."""
    if kind == "bbox":
        return [{"bbox": box} for box in xywh(part)]
    if kind == "segm":
        return [{"segmentation": copy.deepcopy(mask)} for mask in part["masks"]]
    points = np.asarray(part["keypoints"], float)
    found = [
        {"keypoints": one.ravel().tolist(), "num_keypoints": int((one[:, 2] > 0).sum())}
        for one in points
    ]
    if "scores" in part:
        return found
    return [{**one, "bbox": box} for one, box in zip(found, xywh(part))]


def run(kind, found, truth, ids, classes, limits, package="pycocotools", sigmas=None):
    """(evaluation, precision (areas, t, classes, 101), recall (areas, limits, t, classes))."""
    coco_class, evaluator_class = PACKAGES[package]
    keys = [int(key) if key.isdecimal() else key for key in ids]
    annotations, results = [], []
    for key, f, t in zip(keys, found, truth):
        areas, crowd = t.get("area"), t.get("crowd")
        for i, (label, shape) in enumerate(zip(t["classes"], columns(t, kind))):
            box = shape.get("bbox", [0, 0, 0, 0])
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": key,
                    "category_id": int(label) + 7,
                    "area": box[2] * box[3] if areas is None else float(areas[i]),
                    "iscrowd": 0 if crowd is None else int(crowd[i]),
                    **shape,
                }
            )
        for label, score, shape in zip(f["classes"], f["scores"], columns(f, kind)):
            row = {"image_id": key, "category_id": int(label) + 7, "score": float(score)}
            results.append({**row, **shape})
    with contextlib.redirect_stdout(io.StringIO()):
        gt = coco_class()
        gt.dataset = {
            "images": [{"id": key, "height": 1, "width": 1} for key in keys],
            "categories": [{"id": k + 7, "name": str(k)} for k in range(classes)],
            "annotations": annotations,
        }
        gt.createIndex()
        dt = gt.loadRes(results) if results else copy.deepcopy(gt)
        if not results:
            dt.dataset["annotations"] = []
            dt.createIndex()
        evaluation = evaluator_class(gt, dt, kind)
        evaluation.params.maxDets = list(limits)
        evaluation.params.catIds = [k + 7 for k in range(classes)]
        if sigmas is not None:
            evaluation.params.kpt_oks_sigmas = np.asarray(sigmas)
        evaluation.evaluate()
        evaluation.accumulate()
    precision = np.array(evaluation.eval["precision"], float)[..., -1].transpose(3, 0, 2, 1)
    recall = np.array(evaluation.eval["recall"], float).transpose(2, 3, 0, 1)
    precision[precision == -1], recall[recall == -1] = np.nan, np.nan
    return evaluation, precision, recall


def check(metric, found, truth, ids, package="pycocotools", atol=0.0):
    """Compare all of a metric's precisions and recalls with a package's; returns the latter."""
    evaluation, precision, recall = run(
        metric.kind,
        found,
        truth,
        ids,
        len(metric.classes),
        metric.limits(),
        package,
        getattr(metric, "sigmas", None),
    )
    ours = metric.accumulated()
    own_precision, own_recall = np.full_like(precision, np.nan), np.full_like(recall, np.nan)
    own_precision[:, :, ours.labels] = ours.precision
    own_recall[:, :, :, ours.labels] = ours.recall
    np.testing.assert_allclose(own_precision, precision, rtol=0, atol=atol)
    np.testing.assert_allclose(own_recall, recall, rtol=0, atol=atol)
    return evaluation, precision, recall


@pytest.fixture(scope="session")
def older():
    """A state as it was written before settings travelled in it."""
    return lambda state: {key: value for key, value in state.items() if key != SETTINGS}


@pytest.fixture(scope="session")
def coco_run():
    return run


@pytest.fixture(scope="session")
def coco_check():
    return check
