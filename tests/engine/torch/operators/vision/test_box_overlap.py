"""IoU, matching, and offsets of boxes equal MXNet's."""

import numpy as np
import pytest

from densefit.backend import mx

V = mx.sym.Variable


def boxes(seed, *shape):
    random = np.random.RandomState(seed)
    corner = random.uniform(-0.2, 0.8, (*shape, 2))
    return np.concatenate([corner, corner + random.uniform(-0.05, 0.5, (*shape, 2))], -1)


@pytest.mark.parametrize("format", ["corner", "center"])
def test_iou(compare, format):
    symbol = mx.sym.contrib.box_iou(V("one"), V("other"), format=format)
    arrays = {"one": boxes(0, 2, 9), "other": boxes(1, 7)}
    compare(symbol, arrays, ["one", "other"])


@pytest.mark.parametrize("shape", [(6, 9), (3, 9, 4), (1, 1)])
@pytest.mark.parametrize(
    "settings",
    [{"threshold": 0.3}, {"threshold": 0.5, "is_ascend": True}, {"threshold": 0.1, "topk": 2}],
    ids=str,
)
def test_matching(compare, shape, settings):
    symbol = mx.sym.Group(list(mx.sym.contrib.bipartite_matching(V("data"), **settings)))
    for digits in (6, 1):
        scores = np.round(np.random.RandomState(0).uniform(0, 1, shape), digits)
        compare(symbol, {"data": scores})


def test_offsets(compare):
    names = ("samples", "matches", "anchors", "refs", "means", "stds")
    symbol = mx.sym.Group(list(mx.sym.contrib.box_encode(*map(V, names))))
    random = np.random.RandomState(0)
    corner = random.uniform(0, 0.5, (2, 8, 2))
    anchors = np.concatenate([corner, corner + random.uniform(0.1, 0.5, (2, 8, 2))], -1)
    arrays = {
        "samples": random.randint(-1, 2, (2, 8)),
        "matches": random.randint(0, 5, (2, 8)),
        "anchors": anchors,
        "refs": anchors[:, 1:6] * 1.2,
        "means": np.array([0.1, -0.1, 0.2, 0.0]),
        "stds": np.array([0.1, 0.1, 0.2, 0.2]),
    }
    compare(symbol, arrays, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("settings", [{}, {"format": "corner", "clip": 0.3, "std2": 0.2}])
def test_boxes_of_offsets(compare, settings):
    symbol = mx.sym.contrib.box_decode(V("data"), V("anchors"), **settings)
    arrays = {"data": boxes(2, 3, 8), "anchors": boxes(3, 1, 8)}
    compare(symbol, arrays, rtol=1e-5, atol=1e-5)
