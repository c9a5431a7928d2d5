"""COCO numbers of boxes against pycocotools driven directly, with its own loadRes and summarize."""

import contextlib
import io
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.errors import ConfigError, DataError
from densefit.metrics import COCOAveragePrecision
from densefit.metrics.coco import match as coco_match

NAMES = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"]
BACKENDS = ["densefit", "faster-coco-eval", "pycocotools"]
IDS = [
    lambda i: str(i),
    lambda i: str(9007199254740993 + i),  # neighbours are one float64
    lambda i: f"city/{i % 3}/{i}.png",
]


def some_ids(count, style=0):
    return [IDS[style](i) for i in range(count)]


def batch(metric, found, truth, ids, chunk=7):
    for start in range(0, len(ids), chunk):
        part = slice(start, start + chunk)
        metric.update(found[part], truth[part], ids[part])
    return metric


def case(seed, images=25, classes=5, many=12, ties=False, crowd=0.15, size=200):
    """Boxes in float32, xyxy."""
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


def grid_case(r, images, classes, many, unit):
    """Boxes on a coarse grid, xywh: equal scores, overlaps and areas, at thresholds exactly."""
    found, truth = [], []
    for _ in range(images):
        n = int(r.integers(0, 7))
        boxes = r.integers(0, [8, 8, 8, 8], (n, 4)) * unit
        labels = r.integers(0, classes, n)
        area = boxes[:, 2] * boxes[:, 3] * 1.0
        edges = r.choice([0.0, 1024.0, np.nextafter(1024, 0), 9216.0, np.nextafter(9216, 1e9)], n)
        truth.append(
            {
                "bbox": boxes,
                "classes": labels,
                "crowd": r.random(n) < r.choice([0.0, 0.3, 1.0]),
                "area": np.where(r.random(n) < 0.3, edges, area),
            }
        )
        m = int(r.integers(0, many))
        mine = r.integers(0, [8, 8, 8, 8], (m, 4)) * unit
        copied = (r.random(m) < 0.7) & (n > 0)
        pick = r.integers(0, max(n, 1), m)
        moved = boxes[pick] + r.integers(-1, 2, (m, 4)) * unit if n else mine
        mine = np.where(copied[:, None], moved, mine)
        mine[:, 2:] = np.maximum(mine[:, 2:], 0)
        own = labels[pick] if n else np.zeros(m, int)
        found.append(
            {
                "bbox": mine,
                "classes": np.where(copied, own, r.integers(0, classes, m)),
                "scores": r.integers(0, 5, m) / 4,
            }
        )
    return found, truth


def check_numbers(numbers, evaluation):
    """Compare with what pycocotools prints."""
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.summarize()
    expected = np.where(evaluation.stats == -1, np.nan, evaluation.stats)
    np.testing.assert_allclose([numbers[n] for n in NAMES], expected, rtol=0, atol=1e-12)
    precision = np.array(evaluation.eval["precision"])
    for k in range(precision.shape[2]):
        for name, values in (("AP", precision[:, :, k, 0, 2]), ("AP50", precision[0, :, k, 0, 2])):
            own = values[values > -1]
            wanted = own.mean() if own.size else np.nan
            np.testing.assert_allclose(numbers[f"{name}/{k}"], wanted, rtol=0, atol=1e-12)


def check(coco_check, found, truth, classes, backend, ids=None):
    ids = ids or some_ids(len(found))
    metric = batch(COCOAveragePrecision(classes, backend=backend), found, truth, ids)
    evaluation, _, _ = coco_check(metric, found, truth, ids, atol=1e-12)
    numbers = metric.compute()
    check_numbers(numbers, evaluation)
    return numbers


@settings(derandomize=True, deadline=None, max_examples=50)
@given(
    seed=st.integers(0, 1 << 32),
    images=st.integers(1, 6),
    classes=st.integers(1, 4),
    many=st.sampled_from([3, 12, 60]),
    unit=st.sampled_from([1, 16, 0.1]),
    limit=st.sampled_from([1, 7, 20, 100, 300]),
    style=st.integers(0, 2),
    dense=st.sampled_from([0, 20, 1 << 20]),
)
def test_equals_pycocotools_to_the_last_bit(
    coco_check, seed, images, classes, many, unit, limit, style, dense
):
    r = np.random.default_rng(seed)
    found, truth = grid_case(r, images, classes, many, unit)
    ids = [some_ids(images, style)[i] for i in r.permutation(images)]
    metric = COCOAveragePrecision(classes, max_detections=limit)
    with mock.patch.object(coco_match, "_MANY", dense):
        coco_check(batch(metric, found, truth, ids, int(r.integers(1, 4))), found, truth, ids)


def test_hundreds_of_boxes_in_an_image_are_compared_without_a_list_of_pairs(coco_check):
    r = np.random.default_rng(0)
    found, truth = [], []
    for count in (300, 40):
        corner = r.integers(0, 60, (count, 2)).astype(float)
        boxes = np.concatenate([corner, corner + r.integers(1, 20, (count, 2))], axis=1)
        labels = np.zeros(count, int)
        truth.append({"boxes": boxes, "classes": labels, "crowd": r.random(count) < 0.1})
        scores = r.integers(0, 50, count) / 50
        found.append({"boxes": boxes[::-1] + 1, "classes": labels, "scores": scores})
    metric = batch(COCOAveragePrecision(1), found, truth, ["0", "1"])
    with mock.patch.object(metric, "_overlap"):  # would fail if it were asked
        metric.matches()
    coco_check(metric, found, truth, ["0", "1"])


@settings(derandomize=True, deadline=None, max_examples=15)
@given(seed=st.integers(0, 1 << 32))
def test_equals_faster_coco_eval(coco_check, seed):
    found, truth = grid_case(np.random.default_rng(seed), 5, 3, 40, 16)
    ids = some_ids(5)
    metric = batch(COCOAveragePrecision(3), found, truth, ids)
    coco_check(metric, found, truth, ids, "faster-coco-eval", atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("seed", range(3))
def test_equals_what_pycocotools_prints(coco_check, seed, backend):
    numbers = check(coco_check, *case(seed), 5, backend)
    assert 0.05 < numbers["AP"] < 0.95  # the case says something
    assert np.isnan(numbers["AP/4"])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "how",
    [
        {"ties": True},
        {"crowd": 1.0},
        {"crowd": 0.0, "size": 30},
        {"images": 4, "many": 400, "classes": 2},
        {"images": 1, "classes": 2},
    ],
    ids=["equal scores", "crowds only", "small only", "over 100 detections", "one image"],
)
def test_equals_pycocotools_on_ugly_cases(coco_check, how, backend):
    check(coco_check, *case(7, **how), how.get("classes", 5), backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_empty_boxes_and_area_on_the_edge(coco_check, backend):
    boxes = np.float32([[0, 0, 32, 32], [0, 0, 96, 96], [5, 5, 5, 5]])
    part = {"boxes": boxes, "classes": np.zeros(3, int)}
    found = [{**part, "scores": np.float32([0.5, 0.5, 0.5])}]
    numbers = check(coco_check, found, [part], 1, backend)
    assert numbers["APm"] == pytest.approx(1.0)  # 32**2 and 96**2 are both medium
    assert numbers["APl"] == pytest.approx(1.0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_overlap_of_exactly_a_threshold(coco_check, backend):
    truth = {"boxes": np.float32([[0, 0, 20, 10]]), "classes": [0]}
    found = {"boxes": np.float32([[0, 0, 15, 10]]), "classes": [0], "scores": [0.9]}
    numbers = check(coco_check, [found], [truth], 1, backend)
    assert numbers["AP75"] == pytest.approx(1.0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_area_of_the_box_if_none_is_given(coco_check, backend):
    found, truth = case(3)
    for part in truth:
        del part["area"], part["crowd"]
    check(coco_check, found, truth, 5, backend)


def test_any_ids_in_any_order(coco_check):
    found, truth = case(5, ties=True)
    ids = some_ids(25, 2)
    expected = check(coco_check, found, truth, 5, "densefit", ids)
    back = batch(COCOAveragePrecision(5), found[::-1], truth[::-1], ids[::-1])
    np.testing.assert_array_equal(list(back.compute().values()), list(expected.values()))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("limit", [300, 20])
def test_another_number_of_detections(coco_run, limit, backend):
    found, truth = case(2, images=5, many=300, classes=2)
    evaluation, precision, recall = coco_run("bbox", found, truth, list("abcde"), 2, [1, 10, limit])
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.summarize()
    assert evaluation.stats[0] == -1  # what pycocotools prints
    metric = COCOAveragePrecision(2, max_detections=limit, backend=backend)
    numbers = batch(metric, found, truth, list("abcde")).compute()
    assert numbers["AP"] == pytest.approx(np.nanmean(precision[0]), abs=1e-12)
    assert numbers[f"AR{limit}"] == pytest.approx(np.nanmean(recall[0, 2]), abs=1e-12)
    assert numbers["AR1"] == pytest.approx(np.nanmean(recall[0, 0]), abs=1e-12)
    assert "AR100" not in numbers


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("limit", "names"), [(1, ["AR1"]), (5, ["AR1", "AR5"]), (10, ["AR1", "AR10"])]
)
def test_few_detections(limit, names, backend):
    found, truth = case(2)
    metric = COCOAveragePrecision(5, max_detections=limit, backend=backend)
    numbers = batch(metric, found, truth, some_ids(25)).compute()
    keys = ["AP", "AP50", "AP75", "APs", "APm", "APl", *names, "ARs", "ARm", "ARl"]
    assert list(numbers)[: len(keys)] == keys
    assert list(numbers)[len(keys) :] == [f"{k}/{c}" for k in ("AP", "AP50") for c in range(5)]
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
    assert numbers["AP"] == numbers["AR100"] == numbers["AP/cat"] == numbers["APm"] == 0.0
    assert np.isnan([numbers["APs"], numbers["AP/dog"], numbers["AP50/dog"]]).all()
    for updates in ([], [(nothing, nothing)], [(found, nothing)]):
        empty = COCOAveragePrecision(["cat", "dog"], backend=backend)
        for f, t in updates:
            empty.update([f], [t], ["a"])
        numbers = empty.compute()
        assert np.isnan(list(numbers.values())).all()
        assert set(NAMES) < set(numbers)


def test_corners_and_sizes_are_the_same_and_sizes_are_kept_bit_for_bit():
    box = np.array([[0.1, 0.2, 0.3, 0.7]])
    corners = np.concatenate([box[:, :2], box[:, :2] + box[:, 2:]], axis=1)
    sized, cornered = COCOAveragePrecision(1), COCOAveragePrecision(1)
    sized.update(
        [{"bbox": box, "scores": [1], "classes": [0]}],
        [{"bbox": box, "boxes": [[0, 0, 9, 9]], "classes": [0]}],
        ["a"],
    )
    assert (sized.predicted()["bbox"] == box).all()
    assert (sized.true()["bbox"] == box).all()
    cornered.update(
        [{"boxes": corners, "scores": [1], "classes": [0]}],
        [{"boxes": corners, "classes": [0]}],
        ["a"],
    )
    np.testing.assert_allclose(cornered.predicted()["bbox"], box, rtol=1e-15)
    assert sized.compute()["AP"] == cornered.compute()["AP"] == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["boxes", "bbox"])
def test_a_box_with_a_negative_size_names_the_image(name):
    good = {name: [[1, 1, 2, 2]], "scores": [0.5], "classes": [0]}
    wrong = {name: [[5, 5, 6, -1]], "scores": [0.5], "classes": [0]}
    metric = COCOAveragePrecision(1)
    with pytest.raises(DataError, match="prediction of 'b'") as error:
        metric.update([good, wrong], [good, good], ["a", "b"])
    assert '"bbox" x, y, width, height' in str(error.value)
    assert metric.ids == []  # nothing of the batch is kept


def test_settings_are_checked():
    with pytest.raises(ConfigError, match="1 or more"):
        COCOAveragePrecision(1, max_detections=0)
    with pytest.raises(ConfigError, match="score_threshold"):
        COCOAveragePrecision(1, score_threshold=float("nan"))
