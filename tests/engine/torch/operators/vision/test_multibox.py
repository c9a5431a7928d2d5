"""Anchors, targets and detections equal MXNet's."""

import numpy as np
import pytest

from densefit.backend import mx

V = mx.sym.Variable


def boxes(random, *shape, low=0.05):
    corner = random.uniform(-0.1, 0.8, (*shape, 2))
    return np.concatenate([corner, corner + random.uniform(low, 0.5, (*shape, 2))], -1)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"sizes": (0.2, 0.5, 0.1), "ratios": (1, 2, 0.5, 3)},
        {"sizes": (0.2,), "ratios": (2, 0.5), "clip": True},
        {"steps": (0.1, 0.3), "offsets": (0.0, 1.0)},
    ],
    ids=str,
)
def test_anchors(compare, settings):
    symbol = mx.sym.contrib.MultiBoxPrior(V("data"), **settings)
    for shape in ((1, 2, 5, 7), (2, 3, 1, 1)):
        compare(symbol, {"data": np.zeros(shape)}, atol=1e-6)


def target_inputs(seed, batch=4, anchors=120, objects=6, classes=3, ties=False):
    random = np.random.RandomState(seed)
    labels = np.concatenate(
        [random.randint(0, classes, (batch, objects, 1)), boxes(random, batch, objects)], -1
    )
    for number in range(batch):
        labels[number, 1 + number % objects :] = -1
    priors = boxes(random, 1, anchors)
    if ties:
        priors = np.round(priors, 1)
        priors[..., 2:] = np.maximum(priors[..., 2:], priors[..., :2] + 0.1)
        labels[..., 1:] = np.where(labels[..., :1] < 0, -1, np.round(labels[..., 1:], 1))
        priors[0, 60:] = priors[0, :60]
    scores = random.normal(size=(batch, classes + 1, anchors))
    return {"anchor": priors, "label": labels, "cls_pred": np.round(scores, 1 if ties else 6)}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"overlap_threshold": 0.2},
        {"overlap_threshold": 0.0},
        {"negative_mining_ratio": 3.0},
        {"negative_mining_ratio": 0.7, "negative_mining_thresh": 0.3, "ignore_label": -7},
        {"variances": (1, 2, 3, 4), "minimum_negative_samples": 5},
        {"negative_mining_ratio": 2.0, "minimum_negative_samples": 50},
    ],
    ids=str,
)
@pytest.mark.parametrize("ties", [False, True])
def test_targets(compare, settings, ties):
    names = ("anchor", "label", "cls_pred")
    symbol = mx.sym.Group(list(mx.sym.contrib.MultiBoxTarget(*map(V, names), **settings)))
    for seed in range(3):
        arrays = target_inputs(seed, ties=ties)
        with np.errstate(all="ignore"):
            compare(symbol, arrays, ["cls_pred"], rtol=1e-4, atol=1e-4)


def test_an_image_without_objects_is_background(run_torch):
    arrays = target_inputs(0)
    arrays["label"][1] = -1
    names = ("anchor", "label", "cls_pred")

    def classes(**settings):
        symbol = mx.sym.contrib.MultiBoxTarget(*map(V, names), **settings)
        return run_torch(mx.sym.Group(list(symbol)), **arrays)[2][1]

    assert (classes() == 0).all()
    mined = classes(negative_mining_ratio=3.0, minimum_negative_samples=4)
    assert (mined == 0).sum() == 4
    assert (mined == -1).sum() == mined.size - 4
    assert (classes(negative_mining_ratio=3.0) == -1).all()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"nms_threshold": 0.2, "force_suppress": True},
        {"nms_topk": 20, "threshold": 0.3},
        {"nms_threshold": 0.0},
        {"nms_threshold": 1.0, "clip": False},
        {"nms_threshold": 2.0, "threshold": 0.4, "variances": (0.3, 0.3, 0.5, 0.5)},
        {"threshold": 2.0},
    ],
    ids=str,
)
def test_detections(compare, settings):
    symbol = mx.sym.contrib.MultiBoxDetection(V("cls"), V("loc"), V("anchor"), **settings)
    random = np.random.RandomState(0)
    for batch, anchors in ((1, 1), (3, 80)):
        scores = np.round(random.uniform(0, 1, (batch, 4, anchors)), 1)
        arrays = {
            "cls": scores,
            "loc": random.normal(size=(batch, anchors * 4)),
            "anchor": boxes(random, 1, anchors),
        }
        compare(symbol, arrays, rtol=1e-5, atol=1e-6)
