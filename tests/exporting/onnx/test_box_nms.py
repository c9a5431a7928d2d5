"""Suppression and detections of boxes, on boxes that are hard to tell apart."""

import numpy as np
import pytest

from densefit.symbol import sym as S
from tests.exporting.onnx.converted import onnx_model, run_engine, run_onnx

SETTINGS = {
    "by class": {},
    "all": {"force_suppress": True},
    "without classes": {"id_index": -1},
    "of the best": {"topk": 7},
    "of more than there are": {"topk": 1000},
    "with a background": {"background_id": 1},
    "by a threshold": {"valid_thresh": 0.45},
    "none pass": {"valid_thresh": 2.0},
    "overlapping much": {"overlap_thresh": 0.9},
    "overlapping at all": {"overlap_thresh": 0.0},
    "centres": {"in_format": "center"},
    "to centres": {"out_format": "center"},
}


def rows_of(kind, images=2, count=40):
    """(images, count, 6) rows [class, score, x1, y1, x2, y2]."""
    rng = np.random.default_rng(0)
    low = rng.integers(0, 20, (images, count, 2))
    high = low + rng.integers(1, 12, (images, count, 2))
    label = rng.integers(0, 3, (images, count, 1))
    score = rng.permuted(np.linspace(0.01, 0.99, count)[None].repeat(images, 0), axis=1)[..., None]
    rows = np.concatenate([label, score, low, high], axis=2).astype(np.float32)
    if kind == "no class":
        rows[..., 0] = -1
    elif kind == "one box":
        rows[..., 2:] = rows[:, :1, 2:]
    elif kind == "apart":
        rows[..., 2:] += 100 * np.arange(count)[None, :, None]
    elif kind == "wrong corners":
        rows[:, ::3, 2:] = rows[:, ::3, [4, 5, 2, 3]]
    elif kind == "points":
        rows[:, ::2, 4:] = rows[:, ::2, 2:4]
    elif kind == "no score":
        rows[..., 1] = 0
    elif kind == "negative":
        rows[..., 2:] -= 15
    elif kind == "half overlaps":  # of exactly 1/2 and 1/3
        rows[..., 2:] = np.array([0, 0, 2, 1])
        rows[..., 2::2] += np.arange(count)[None, :, None] % 2 * np.float32(1.0)
    return rows


KINDS = [
    *("random", "no class", "one box", "apart", "wrong corners", "points", "no score", "negative"),
    "half overlaps",
]


def compare(rows, **settings):
    settings = {"overlap_thresh": 0.5, "valid_thresh": 0.0, "topk": -1, "id_index": 0, **settings}
    symbol = S.contrib.box_nms(S.Variable("x"), coord_start=2, score_index=1, **settings)
    inputs = {"x": rows}
    ((_, expected),) = run_engine(symbol, inputs).items()
    ((_, received),) = run_onnx(onnx_model(symbol, inputs), inputs).items()
    np.testing.assert_allclose(received, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", SETTINGS)
def test_settings(name):
    compare(rows_of("random"), **SETTINGS[name])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("force", [False, True])
def test_hard_boxes(kind, force):
    compare(rows_of(kind), force_suppress=force)


@pytest.mark.parametrize("overlap", [1 / 3, 0.5, 1.0])
def test_an_overlap_equal_to_the_threshold_is_kept(overlap):
    compare(rows_of("half overlaps"), overlap_thresh=float(np.float32(overlap)))


def test_equal_scores_keep_the_order_of_rows():
    rows = rows_of("random")
    rows[..., 1] = np.round(rows[..., 1] * 4) / 4 + 0.1
    compare(rows)


def test_one_row_and_further_axes():
    compare(rows_of("random", 1, 1))
    compare(rows_of("random")[:, None].repeat(2, 1))


def ssd(count=60, classes=4):
    rng = np.random.default_rng(3)
    anchors = np.sort(rng.random((1, count, 2, 2)), axis=2).reshape(1, count, 4)
    scores = rng.random((2, classes, count))
    arrays = {
        "x": scores / scores.sum(axis=1, keepdims=True),
        "y": rng.normal(0, 1, (2, count * 4)),
        "z": np.repeat(anchors, 2, axis=0)[:1],
    }
    return {name: array.astype(np.float32) for name, array in arrays.items()}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"force_suppress": True},
        {"nms_topk": 10},
        {"threshold": 0.4},
        {"clip": False, "variances": (0.2, 0.2, 0.1, 0.1)},
        {"nms_threshold": 0.0},
        {"threshold": 1.5},
    ],
)
def test_multibox_detection(settings):
    symbol = S.contrib.MultiBoxDetection(*map(S.Variable, "xyz"), **settings)
    inputs = ssd()
    ((_, expected),) = run_engine(symbol, inputs).items()
    data = {name: inputs[name] for name in "xy"}
    ((_, received),) = run_onnx(onnx_model(symbol, data, {"z": inputs["z"]}), data).items()
    assert (expected[..., 0] >= 0).any() == (settings.get("threshold", 0) < 1)
    np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-5)
