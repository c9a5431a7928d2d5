import json
from types import SimpleNamespace

import pytest

import densefit as df
from densefit.datasets import Shapes
from densefit.metrics import VOCAveragePrecision
from densefit.tools.recipes.run import validation_thresholds as module
from densefit.tools.recipes.run.validation_thresholds import validation_thresholds
from densefit.tools.report.pictures import best_of
from densefit.tools.report.stored_thresholds import StoredThresholds, stored_thresholds


def metric(key, scores):
    """One image with a box that is found, at each score."""
    boxes = [[20.0 * n, 0, 20.0 * n + 9, 9] for n in range(len(scores))]
    scored = VOCAveragePrecision(["a"])
    found = {"boxes": boxes, "classes": [0] * len(scores), "scores": scores}
    scored.update([found], [{"boxes": boxes, "classes": [0] * len(scores)}], [key])
    return scored


@pytest.fixture
def network():
    return SimpleNamespace(
        heads=[
            df.head("detection", classes=["a"], name="boxes"),
            df.head("detection", classes=["a"], name="set", draw_threshold=0.4),
            df.head("classification", classes=2, name="kind"),
        ]
    )


@pytest.fixture
def passes(monkeypatch):
    """The scores of each dataset's boxes; what is asked for is noted."""
    asked = []

    def run(network, names, loader, dataset, devices):
        asked.append((dataset, list(names)))
        return {"boxes": [metric(f"{dataset}/1", loader.scores)]} if loader.scores else {}

    monkeypatch.setattr(module, "_pass", run)
    return asked


def loader(*scores, unreadable=0):
    return SimpleNamespace(scores=scores, dataset=[0] * 5, unreadable=unreadable)


def test_the_threshold_is_of_the_validation_and_set(network, passes):
    stored = validation_thresholds(network, loader(0.9, 0.3, unreadable=1), "val")
    assert stored == StoredThresholds({"boxes": 0.3}, "val", 4)
    assert network.heads[0].draw_threshold == 0.3
    assert network.heads[1].draw_threshold == 0.4
    assert passes == [("", ["boxes"])]  # nothing is computed for the others


def test_objects_of_several_datasets_count_together(network, passes):
    data = {"near": loader(0.9), "far": loader(0.2), "masks": loader()}
    splits = {"near": "val", "far": "dev", "masks": "val"}
    stored = validation_thresholds(network, data, splits)
    assert stored == StoredThresholds({"boxes": 0.2}, "near/val, far/dev", 10)


@pytest.mark.parametrize("validation", [None, loader(0.5)])
def test_without_validation_or_such_heads_nothing_is_computed(network, passes, validation):
    if validation is not None:
        network.heads = network.heads[1:]
    assert validation_thresholds(network, validation, "val") == StoredThresholds()
    assert passes == []


def test_a_pass_gives_what_the_scores_are_made_of():
    shapes = Shapes(4, (64, 64))
    heads = [
        df.head("detection", classes=shapes.classes, strides=(8, 16), channels=16),
        df.head("classification", classes=4, name="kind"),
    ]
    network = df.Network("resnet18", heads, settings={"width": 8})
    fit_in = df.transform("resize", height=64, width=64)
    data = df.Loader(shapes, batch_size=4, transform=fit_in, heads=heads, workers=0)
    df.fit(network, data, updates=1, lr=1e-6, progress=False)
    stored = validation_thresholds(network, data, "val")
    by_hand = heads[0].metrics()[0]
    for key, prediction in df.predict(network, data):
        targets = shapes[[shapes.id_of(n) for n in range(4)].index(key)].targets
        by_hand.update([prediction["detection"]], [heads[0].ground_truth(targets)], [key])
    assert stored.thresholds == {"detection": pytest.approx(best_of([by_hand]), rel=1e-5)}
    assert heads[0].draw_threshold == stored.thresholds["detection"]


def test_a_run_stores_the_thresholds_of_its_validation(trained, tmp_path):
    stored = StoredThresholds({"boxes": 0.25}, "val", 7)
    stored.write(tmp_path)
    assert stored_thresholds(tmp_path / "checkpoints" / "best") == stored
    assert json.loads((tmp_path / "thresholds.json").read_text())["split"] == "val"
    # Its recipe sets the threshold of its only head of boxes.
    assert not (trained / "thresholds.json").exists()
