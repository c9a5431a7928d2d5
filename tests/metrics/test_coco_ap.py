"""COCO numbers against pycocotools driven directly, with its own loadRes and summarize."""

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from densefit.errors import ConfigError
from densefit.metrics import COCOAveragePrecision

NAMES = ["AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large", "AR1", "AR10", "AR100"]
NAMES += ["AR_small", "AR_medium", "AR_large"]
BACKENDS = ["faster-coco-eval", "pycocotools"]


def xywh(box):
    x1, y1, x2, y2 = (float(v) for v in box)
    return [x1, y1, x2 - x1, y2 - y1]


def reference(found, truth, classes, max_detections=None):
    """(stats (12,), precision, recall) of pycocotools; image ids 1.. in the order given."""
    annotations, results = [], []
    for image, (f, t) in enumerate(zip(found, truth), start=1):
        for i, (box, label) in enumerate(zip(t["boxes"], t["classes"])):
            w, h = xywh(box)[2:]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": int(label) + 7,
                    "bbox": xywh(box),
                    "area": float(t["area"][i]) if "area" in t else w * h,
                    "iscrowd": int(t["crowd"][i]) if "crowd" in t else 0,
                }
            )
        for box, label, score in zip(f["boxes"], f["classes"], f["scores"]):
            results.append(
                {
                    "image_id": image,
                    "category_id": int(label) + 7,
                    "bbox": xywh(box),
                    "score": float(score),
                }
            )
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO()
        gt.dataset = {
            "images": [{"id": i + 1} for i in range(len(found))],
            "categories": [{"id": k + 7, "name": str(k)} for k in range(classes)],
            "annotations": annotations,
        }
        gt.createIndex()
        evaluation = COCOeval(gt, gt.loadRes(results), "bbox")
        if max_detections:
            evaluation.params.maxDets[2] = max_detections
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats, evaluation.eval["precision"], evaluation.eval["recall"]


def case(seed, images=25, classes=5, many=12, ties=False, crowd=0.15, size=200):
    r = np.random.default_rng(seed)
    found, truth = [], []
    for _ in range(images):
        n = int(r.integers(0, 7))
        boxes = (r.random((n, 4)) * size).astype(np.float32)
        boxes[:, 2:] = boxes[:, :2] + r.random((n, 2)).astype(np.float32) * size + 1
        labels = r.integers(0, classes - 1, n)  # the last class has no truth
        truth.append(
            {
                "boxes": boxes,
                "classes": labels,
                "crowd": r.random(n) < crowd,
                "area": np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) * np.float32(0.7),
            }
        )
        m = int(r.integers(0, many)) if n else int(r.integers(0, 3))
        pick = r.integers(0, max(n, 1), m)
        near = boxes[pick] if n else np.tile(np.float32([[5, 5, 60, 60]]), (m, 1))
        near = near + r.normal(0, size / 40, (m, 4)).astype(np.float32)
        near[:, 2:] = np.maximum(near[:, 2:], near[:, :2])
        own = labels[pick] if n else np.zeros(m, int)
        scores = r.random(m).astype(np.float32)
        found.append(
            {
                "boxes": near,
                "classes": np.where(r.random(m) < 0.8, own, r.integers(0, classes, m)),
                "scores": np.round(scores, 1) if ties else scores,
            }
        )
    return found, truth


def check(found, truth, classes, backend, ids=None):
    stats, precision, recall = reference(found, truth, classes)
    metric = COCOAveragePrecision(classes, backend=backend)
    metric.update(found, truth, ids or [str(i) for i in range(len(found))])
    numbers = metric.compute()
    expected = np.where(stats == -1, np.nan, stats)
    np.testing.assert_allclose([numbers[n] for n in NAMES], expected, rtol=0, atol=1e-12)
    for k in range(classes):
        for name, values in (("AP", precision[:, :, k, 0, 2]), ("AP50", precision[0, :, k, 0, 2])):
            own = values[values > -1]
            wanted = own.mean() if own.size else np.nan
            np.testing.assert_allclose(numbers[f"{name}/{k}"], wanted, rtol=0, atol=1e-12)
    return numbers


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("seed", range(3))
def test_equals_pycocotools(seed, backend):
    numbers = check(*case(seed), 5, backend)
    assert 0.05 < numbers["AP"] < 0.95  # the case says something
    assert np.isnan(numbers["AP/4"])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "settings",
    [
        {"ties": True},
        {"crowd": 1.0},
        {"crowd": 0.0, "size": 30},
        {"images": 4, "many": 400, "classes": 2},
        {"images": 1, "classes": 2},
    ],
    ids=["equal scores", "crowds only", "small only", "over 100 detections", "one image"],
)
def test_equals_pycocotools_on_ugly_cases(settings, backend):
    found, truth = case(7, **settings)
    check(found, truth, settings.get("classes", 5), backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_empty_boxes_and_area_on_the_edge(backend):
    boxes = np.float32([[0, 0, 32, 32], [0, 0, 96, 96], [5, 5, 5, 5]])
    part = {"boxes": boxes, "classes": np.zeros(3, int)}
    numbers = check([{**part, "scores": np.float32([0.5, 0.5, 0.5])}], [part], 1, backend)
    assert numbers["AP_medium"] == pytest.approx(1.0)  # 32**2 and 96**2 are both medium
    assert numbers["AP_large"] == pytest.approx(1.0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_overlap_of_exactly_a_threshold(backend):
    truth = {"boxes": np.float32([[0, 0, 20, 10]]), "classes": [0]}
    found = {"boxes": np.float32([[0, 0, 15, 10]]), "classes": [0], "scores": [0.9]}
    numbers = check([found], [truth], 1, backend)
    assert numbers["AP75"] == pytest.approx(1.0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_area_of_the_box_if_none_is_given(backend):
    found, truth = case(3)
    for part in truth:
        del part["area"], part["crowd"]
    check(found, truth, 5, backend)


def test_any_ids_in_any_order():
    found, truth = case(5, ties=True)
    ids = [f"city/{i:04d}.png" for i in range(len(found))]
    expected = check(found, truth, 5, BACKENDS[0], ids)
    back = COCOAveragePrecision(5)
    back.update(found[::-1], truth[::-1], ids[::-1])
    assert back.compute()["AP"] == expected["AP"]


def test_images_without_truth_or_detections_count():
    found, truth = case(1)
    empty = {"boxes": np.zeros((0, 4)), "classes": [], "scores": []}
    found[3], truth[4] = empty, {"boxes": np.zeros((0, 4)), "classes": []}
    check(found, truth, 5, BACKENDS[0])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("limit", [300, 20])
def test_another_number_of_detections(backend, limit):
    found, truth = case(2, images=5, many=300, classes=2)
    stats, precision, recall = reference(found, truth, 2, limit)
    assert stats[0] == -1  # what pycocotools prints
    metric = COCOAveragePrecision(2, max_detections=limit, backend=backend)
    metric.update(found, truth, list("abcde"))
    numbers = metric.compute()
    for name, values in (("AP", precision[:, :, :, 0, 2]), (f"AR{limit}", recall[:, :, 0, 2])):
        assert numbers[name] == pytest.approx(values[values > -1].mean(), abs=1e-12)
    assert numbers["AR1"] == pytest.approx(stats[6], abs=1e-12)
    assert "AR100" not in numbers


@pytest.mark.parametrize(
    ("limit", "names"), [(1, ["AR1"]), (5, ["AR1", "AR5"]), (10, ["AR1", "AR10"])]
)
def test_few_detections(limit, names):
    found, truth = case(2)
    metric = COCOAveragePrecision(5, max_detections=limit)
    metric.update(found, truth, [str(i) for i in range(len(found))])
    numbers = metric.compute()
    keys = ["AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large"]
    assert list(numbers)[:-13] == keys + names
    assert 0 < numbers["AP"] < 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_found_is_zero_and_nothing_true_is_nan(backend):
    box = np.float32([[0, 0, 50, 50]])
    nothing = {"boxes": [], "classes": [], "scores": []}
    found = {"boxes": box, "classes": [0], "scores": [0.5]}
    truth = {"boxes": box, "classes": [0]}
    missed = COCOAveragePrecision(["cat", "dog"], backend=backend)
    missed.update([nothing], [truth], ["a"])
    numbers = missed.compute()
    assert numbers["AP"] == numbers["AR100"] == numbers["AP/cat"] == numbers["AP_medium"] == 0.0
    assert np.isnan([numbers["AP_small"], numbers["AP/dog"], numbers["AP50/dog"]]).all()
    for updates in ([], [(nothing, nothing)], [(found, nothing)]):
        empty = COCOAveragePrecision(["cat", "dog"], backend=backend)
        for f, t in updates:
            empty.update([f], [t], ["a"])
        numbers = empty.compute()
        assert np.isnan(list(numbers.values())).all()
        assert set(NAMES) < set(numbers)


@pytest.mark.parametrize("backend", BACKENDS)
def test_prints_nothing(backend, capfd):
    metric = COCOAveragePrecision(5, backend=backend)
    metric.update(*case(0), [str(i) for i in range(25)])
    metric.compute()
    assert capfd.readouterr() == ("", "")


def test_settings_are_checked():
    with pytest.raises(ConfigError, match="faster-coco-eval or pycocotools"):
        COCOAveragePrecision(1, backend="torchmetrics")
    with pytest.raises(ConfigError, match="1 or more"):
        COCOAveragePrecision(1, max_detections=0)
