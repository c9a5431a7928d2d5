import gc
import sys

import numpy as np
import pytest

from densefit.errors import ConfigError
from densefit.metrics import (
    COCOAveragePrecision,
    COCOKeypointAveragePrecision,
    COCOMaskAveragePrecision,
)
from densefit.metrics.coco.backends import BACKENDS, check_backend

MASK = np.zeros((1, 60, 70), bool)
MASK[0, 10:50, 5:45] = True
POINTS = np.random.default_rng(0).random((1, 17, 3)) * 60 + 1
PARTS = [
    (COCOAveragePrecision, {"bbox": [[5.0, 10.0, 40.0, 40.0]], "classes": [1]}),
    (COCOMaskAveragePrecision, {"masks": MASK, "classes": [1]}),
    (
        COCOKeypointAveragePrecision,
        {"keypoints": POINTS, "bbox": [[0.0, 0.0, 60.0, 60.0]], "classes": [1]},
    ),
]


def batch(kind, part, backend, **more):
    metric = kind(["a", "b", "c"], backend=backend)
    miss = {**part, "classes": [0], "scores": [0.9]}
    metric.update([{**part, "scores": [0.8]}, miss], [{**part, **more}] * 2, ["1", "2"])
    return metric


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("kind", "part"), PARTS, ids=["boxes", "masks", "keypoints"])
def test_every_backend_for_every_shape(kind, part, backend):
    numbers = batch(kind, part, backend).compute()
    assert numbers["AP"] == pytest.approx(51 / 101)  # one of two is found: recall up to 0.5
    assert numbers["AP"] == numbers["AP/b"] == numbers["APm"]
    assert np.isnan([numbers["AP/a"], numbers["AP/c"], numbers["APl"]]).all()
    crowds = batch(kind, part, backend, crowd=[True]).compute()
    assert np.isnan(list(crowds.values())).all()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("kind", "part"), PARTS, ids=["boxes", "masks", "keypoints"])
def test_prints_nothing_and_leaves_the_collector_on(kind, part, backend, capfd):
    batch(kind, part, backend).compute()
    assert capfd.readouterr() == ("", "")
    assert gc.isenabled()


def test_unknown_backends():
    with pytest.raises(ConfigError, match="densefit or faster-coco-eval or pycocotools"):
        check_backend("torchmetrics")


def test_a_backend_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "faster_coco_eval", None)
    with pytest.raises(ConfigError, match=r"pip install 'densefit\[coco\]'"):
        COCOAveragePrecision(1, backend="faster-coco-eval")
