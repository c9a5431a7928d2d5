"""COCO numbers of masks against pycocotools driven directly."""

import json
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco

from densefit.errors import DataError
from densefit.metrics import COCOMaskAveragePrecision
from densefit.metrics.coco import match as coco_match


def encoded(array):
    rle = coco.encode(np.asfortranarray(array, np.uint8))
    return {"size": rle["size"], "counts": rle["counts"].decode()}


def as_runs(mask):
    flat = coco.decode(mask).T.ravel()
    cuts = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], cuts, [len(flat)]])).tolist()
    return {"size": mask["size"], "counts": [0, *runs] if flat[0] else runs}


def as_bytes(mask):
    return {"size": mask["size"], "counts": mask["counts"].encode()}


def rectangles(r, n, height, width, unit):
    """Masks of rectangles on a coarse grid, some with holes; empty ones too."""
    found = np.zeros((n, height, width), bool)
    for one in found:
        y, x, h, w = r.integers(0, [4, 4, 7, 7]) * unit
        one[y : y + h, x : x + w] = True
        if r.random() < 0.3:
            one &= r.random((height, width)) < 0.8
    return found


def case(r, images, classes, many):
    """(predictions, targets, the same with all masks as text)."""
    found, truth = [], []
    for _ in range(images):
        unit = int(r.choice([2, 16]))
        height, width = r.integers(1, [140, 150])
        n, m = int(r.integers(0, 5)), int(r.integers(0, many))
        true = rectangles(r, n, height, width, unit)
        mine = rectangles(r, m, height, width, unit)
        pick = r.integers(0, max(n, 1), m)
        copied = (r.random(m) < 0.6) & (n > 0)
        mine[copied] = true[pick[copied]] & (r.random((copied.sum(), height, width)) < 0.9)
        labels = r.integers(0, classes, n)
        area = true.sum(axis=(1, 2)) * 1.0
        truth.append(
            {
                "masks": [encoded(one) for one in true],
                "classes": labels,
                "crowd": r.random(n) < r.choice([0.0, 0.3, 1.0]),
                "area": np.where(r.random(n) < 0.3, r.choice([1024.0, 9216.0], n), area),
            }
        )
        own = labels[pick] if n else np.zeros(m, int)
        found.append(
            {
                "masks": [encoded(one) for one in mine],
                "classes": np.where(copied, own, r.integers(0, classes, m)),
                "scores": r.integers(0, 5, m) / 4,
            }
        )
    return found, truth


def disguised(part, how):
    """The same with the masks in another of the accepted forms."""
    masks = part["masks"]
    if how == "array":
        masks = coco.decode(masks).transpose(2, 0, 1) > 0 if masks else np.zeros((0, 3, 3), bool)
    else:
        masks = [{"text": dict, "bytes": as_bytes, "runs": as_runs}[how](mask) for mask in masks]
    return {**part, "masks": masks}


def batch(metric, found, truth, ids):
    metric.update(found, truth, ids)
    return metric


@settings(derandomize=True, deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 1 << 32),
    images=st.integers(1, 4),
    classes=st.integers(1, 3),
    many=st.sampled_from([3, 9, 25]),
    limit=st.sampled_from([1, 5, 100]),
    how=st.sampled_from(["text", "bytes", "runs", "array"]),
    dense=st.sampled_from([0, 20, 1 << 20]),
)
def test_equals_pycocotools_to_the_last_bit(
    coco_check, seed, images, classes, many, limit, how, dense
):
    found, truth = case(np.random.default_rng(seed), images, classes, many)
    ids = [str(9007199254740993 + i) for i in range(images)]
    metric = COCOMaskAveragePrecision(classes, max_detections=limit)
    metric.update(
        [disguised(part, how) for part in found], [disguised(part, how) for part in truth], ids
    )
    with mock.patch.object(coco_match, "_MANY", dense):
        coco_check(metric, found, truth, ids)


@pytest.mark.parametrize("backend", ["pycocotools", "faster-coco-eval"])
@pytest.mark.parametrize("seed", range(3))
def test_the_backends_agree(seed, backend):
    found, truth = case(np.random.default_rng(seed), 8, 3, 12)
    ids = list("abcdefgh")
    own, other = (COCOMaskAveragePrecision(4, backend=name) for name in ("densefit", backend))
    numbers = batch(own, found, truth, ids).compute()
    theirs = batch(other, found, truth, ids).compute()
    np.testing.assert_allclose(list(numbers.values()), list(theirs.values()), rtol=0, atol=1e-12)
    assert 0.02 < numbers["AP"] < 0.98


def test_prints_as_pycocotools(coco_check):
    found, truth = case(np.random.default_rng(5), 8, 3, 12)
    metric = batch(COCOMaskAveragePrecision(3), found, truth, list("abcdefgh"))
    evaluation, _, _ = coco_check(metric, found, truth, list("abcdefgh"))
    evaluation.summarize()
    np.testing.assert_allclose(list(metric.compute().values())[:12], evaluation.stats, atol=1e-12)


def test_what_cannot_overlap_enough_is_not_given_up_too_early():
    """A stray pixel makes the boxes of two masks overlap much less than the masks."""
    true = np.zeros((1, 50, 50), bool)
    true[0, :10, :10] = True
    mine = true.copy()
    mine[0, 49, 49] = True
    metric = COCOMaskAveragePrecision(1)
    metric.update(
        [{"masks": mine, "classes": [0], "scores": [1]}], [{"masks": true, "classes": [0]}], ["a"]
    )
    assert metric.compute()["AP"] == pytest.approx(1.0)  # 100 / 101 > 0.95


def test_area_decides_the_range():
    big = np.zeros((1, 100, 100), bool)
    big[0, :97, :97] = True
    miss = {"masks": big[:, ::-1, ::-1], "classes": [0], "scores": [0.9]}
    hit = {"masks": big, "classes": [0], "scores": [0.5]}
    truth = {"masks": big, "classes": [0], "area": [2000.0]}
    # The second image has nothing to find there: its detection is wrong if it is medium.
    for extra, expected in (({}, 1.0), ({"area": [2000.0]}, 0.5)):
        metric = COCOMaskAveragePrecision(1)
        none = {"masks": [], "classes": []}
        metric.update([hit, {**miss, **extra}], [truth, none], ["a", "b"])
        numbers = metric.compute()
        assert np.isnan(numbers["APl"])
        assert numbers["APm"] == pytest.approx(expected)


def test_state_is_text():
    found, truth = case(np.random.default_rng(1), 3, 2, 6)
    metric = batch(COCOMaskAveragePrecision(2), found, truth, list("abc"))
    state = json.loads(json.dumps(metric.state_dict(), default=lambda array: array.tolist()))
    assert all(isinstance(text, str) for text in state["predicted"]["counts"])
    again = COCOMaskAveragePrecision(2)
    again.load_state_dict(state)
    np.testing.assert_array_equal(list(again.compute().values()), list(metric.compute().values()))


def test_masks_of_an_image_have_one_size():
    small, large = np.ones((1, 4, 5), bool), np.ones((1, 5, 4), bool)
    truth = {"masks": small, "classes": [0]}
    with pytest.raises(DataError, match="differ in size") as error:
        COCOMaskAveragePrecision(1).update(
            [
                {"masks": small, "classes": [0], "scores": [1]},
                {"masks": large, "classes": [0], "scores": [1]},
            ],
            [truth, truth],
            ["a", "b"],
        )
    assert "4 x 5 and 5 x 4" in str(error.value)
    assert "'b'" in str(error.value)
    # Images may differ.
    COCOMaskAveragePrecision(1).update(
        [{"masks": [], "classes": [], "scores": []}] * 2,
        [truth, {"masks": large, "classes": [0]}],
        ["a", "b"],
    )


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"boxes": [[0, 0, 1, 1]], "classes": [0]}, "lacks masks"),
        ({"masks": np.ones((4, 5), bool), "classes": [0]}, r"\(n, H, W\)"),
        (
            {"masks": np.ones((2, 4, 5), bool), "classes": [0]},
            "classes does not have one entry for each mask",
        ),
        ({"masks": [{"size": [4, 5], "counts": "5"}], "classes": [0]}, "do not fill"),
    ],
)
def test_what_is_wrong_names_the_image(part, message):
    nothing = {"masks": [], "classes": [], "scores": []}
    with pytest.raises(DataError, match=message) as error:
        COCOMaskAveragePrecision(1).update([nothing], [part], ["img"])
    assert "truth of 'img'" in str(error.value)


@pytest.mark.parametrize("soft", [0.3, np.nan])
def test_masks_that_are_probabilities_are_no_masks(soft):
    masks = np.zeros((1, 4, 5), np.float32)
    masks[0, 1:3, 1:4] = 1
    metric = COCOMaskAveragePrecision(1)
    truth = {"masks": masks, "classes": [0]}
    for one in (masks, 255 * masks, masks > 0):
        metric.update([{**truth, "masks": one, "scores": [1.0]}], [truth], [str(len(metric.ids))])
    assert metric.compute()["AP"] == 1.0
    with pytest.raises(DataError, match="masks >= 0.5"):
        metric.update(
            [{**truth, "masks": np.where(masks, 1.0, soft), "scores": [1.0]}], [truth], ["b"]
        )
