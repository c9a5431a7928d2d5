"""One small training of all three tasks, which the tools' tests share."""

import json
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from densefit import plugin_files
from densefit.data.sample import datasets
from densefit.datasets.shapes import Shapes
from densefit.metrics import metrics
from densefit.model.heads.head import heads
from densefit.tools import train_det

TINY = {
    "--data.settings": "{length: 8, size: [64, 80]}",
    "--data.workers": "1",
    "--model.settings.width": "8",
    "--training.epochs": "2",
    "--training.batch_size": "4",
    "--training.schedule": "{name: cosine, lr: 0.005}",
    "--input_size": "[64, 64]",
    "--score_batch_size": "4",
}
HEADS = (
    "{detection: {strides: [8, 16], channels: 16, draw_threshold: 0.1, max_detections: 10}, "
    "segmentation: {decoder: fcn, channels: 8}, kind: {task: classification}}"
)


@pytest.fixture(autouse=True)
def _no_curves(monkeypatch):
    """To draw curves takes as long as the rest of a small training, and the report half of it.

    `trained` is made before this, and has them; tests/callbacks/test_curves.py and tests/tools/page
    look at others.
    """
    leave_out_curves(monkeypatch)


def leave_out_curves(monkeypatch):
    monkeypatch.setattr("densefit.callbacks.curves.plot_curves", lambda *settings: [])
    monkeypatch.setattr("densefit.tools.recipes.run.finish.write_report", lambda *arguments: None)


def lay_out_plainly(monkeypatch):
    """To place axes in a plot takes as long as all else; tests/tools/report looks at the result."""
    monkeypatch.setattr("densefit.visualize.plotting._lay_out", lambda figure: None)


@pytest.fixture(autouse=True)
def _plain_layout(monkeypatch):
    lay_out_plainly(monkeypatch)


def _save_a_square(figure, path, **settings):
    Path(path).write_bytes(cv2.imencode(".png", np.eye(8, dtype=np.uint8) * 255)[1])


@pytest.fixture(autouse=True)
def _no_drawing(monkeypatch):
    draw_squares(monkeypatch)


def draw_squares(monkeypatch):
    """To draw plots takes a tenth of a training; tests/tools/report looks at these."""
    if find_spec("matplotlib"):
        monkeypatch.setattr("matplotlib.figure.Figure.savefig", _save_a_square)
        monkeypatch.setattr("densefit.visualize.plotting._content", lambda figure: None)


@pytest.fixture
def own_plugins(monkeypatch):
    """Plugin files that a test imports are gone behind it, with what they register."""
    monkeypatch.setattr(plugin_files, "_imported", {})
    for registry in (heads, metrics):
        monkeypatch.setattr(registry, "_factories", dict(registry._factories))


@pytest.fixture(scope="session")
def tiny():
    """Arguments of a training that takes seconds; settings given again win."""

    def arguments(**changes):
        named = {key.replace("__", "."): value for key, value in changes.items()}
        chosen = {**TINY, **{f"--{key}": str(value) for key, value in named.items()}}
        return [text for pair in chosen.items() for text in pair]

    return arguments


@pytest.fixture(scope="session")
def trained(tiny, tmp_path_factory):
    """The folder of a finished run."""
    out = tmp_path_factory.mktemp("runs") / "all"
    with pytest.MonkeyPatch.context() as monkeypatch:
        lay_out_plainly(monkeypatch)
        draw_squares(monkeypatch)
        assert train_det.main(tiny(model__heads=HEADS, out=out)) == 0
    return out


@pytest.fixture
def task_run(tmp_path):
    """Makes folders of finished runs out of the numbers that their heads are judged by."""

    def make(name, scores, seed=0, **recipe):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        cost = {"parameters": 1000, "ms_per_update": 20.0, "peak_memory_mib": 300.0}
        files = {
            "scores.json": scores,
            "scored.json": {"primary": dict.fromkeys(scores, True)},
            "cost.json": cost,
        }
        for file, content in files.items():
            (folder / file).write_text(json.dumps(content))
        text = yaml.safe_dump({**recipe, "seed": seed, "out": str(folder), "resume": "none"})
        (folder / "config.yaml").write_text(text)
        return folder

    return make


class Partly(Shapes):
    """Generated pictures of which only some targets are known."""

    kept: tuple = ()

    def __init__(self, split="train", length=8):
        super().__init__(length, (48, 64), split=split)

    def __getitem__(self, index):
        sample = super().__getitem__(index)
        sample.targets = {name: own for name, own in sample.targets.items() if name in self.kept}
        return sample

    def targets_of(self, index):
        return self.kept


class Boxes(Partly):
    kept = ("boxes", "classes", "difficult", "crowd", "area")


class Masks(Partly):
    kept = ("mask",)

    def __init__(self, split="train", length=8):
        super().__init__(split, length)
        self.classes = self.mask_classes


class Labels(Partly):
    kept = ("labels",)

    def __getitem__(self, index):
        sample = super().__getitem__(index)
        sample.targets["labels"] = np.array([index % 2, 1, -1], np.int64)
        return sample

    def targets_of(self, index):
        return self.kept


def train_only(kind):
    """A dataset that has no data to score on."""

    def make(split="train", **settings):
        if split != "train":
            raise FileNotFoundError(split)
        return kind(split, **settings)

    return make


@pytest.fixture
def partly(monkeypatch):
    """Datasets `boxes`, `masks` and `labels`; of `boxes_train` and the like, only that split."""
    own = {"boxes": Boxes, "masks": Masks, "labels": Labels}
    own.update({f"{name}_train": train_only(kind) for name, kind in own.items()})
    monkeypatch.setattr(datasets, "_factories", {**datasets._factories, **own})
