"""Every setting of a recipe changed at a resume: logged, refused or silent, as the page says."""

import dataclasses
import logging
import shutil

import numpy as np
import pytest

import densefit as df
from densefit.callbacks import callbacks
from densefit.data.sample import Sample, datasets
from densefit.errors import CheckpointError
from densefit.model.backbones import Backbone, backbones
from densefit.model.layers import conv_bn
from densefit.tools.recipes.data.multi_dataset import prepare_datasets
from densefit.tools.recipes.multi_recipe import MultiRecipe, Part
from densefit.tools.recipes.recipe import Data
from densefit.tools.recipes.run import training
from densefit.train.loop import Loop
from tests.docs.resume_table import table_of

NAMES = ("a", "b", "c")


class Thin(Backbone):
    name = "thin"

    def __init__(self, width=4):
        self.width = width

    def maps(self, x, output_stride):
        x = conv_bn(x, self.name, self.width, stride=2)
        maps = {}
        for stride in (4, 8, 16, 32):
            if stride <= output_stride:
                x = df.backend.mx.sym.Pooling(
                    x, kernel=(2, 2), stride=(2, 2), pool_type="avg", pooling_convention="full"
                )
            if stride == 32:  # what heads may have of their own
                x = conv_bn(x, f"{self.name}_last", self.width, kernel=3)
            maps[stride] = (x, self.width)
        return maps


class Other(Thin):
    name = "other"


class Numbered:
    """Pictures of three classes, each by itself and as one of several."""

    def __init__(self, root, split="train", length=8, classes=NAMES):
        self.root, self.split, self.length, self.classes = root, split, length, tuple(classes)

    def __len__(self):
        return self.length

    def id_of(self, index):
        return f"{self.split}{index}"

    def __getitem__(self, index):
        image = np.full((32, 32, 3), 10 * index, np.uint8)
        number = index % len(self.classes)
        several = np.eye(len(self.classes), dtype=np.int64)[number]
        targets = {"label": np.array(number), "labels": several}
        return Sample(self.id_of(index), image, targets)


class Renumbered(Numbered):
    def id_of(self, index):
        return f"{self.split}-{index}"


class Cut(df.Callback):
    def __init__(self, at):
        self.at = at

    def update_ended(self, state, control):
        if state.update == self.at:
            control.stop("cut")


@pytest.fixture(scope="module", autouse=True)
def registered():
    patch = pytest.MonkeyPatch()
    for registry, made in (
        (backbones, {"thin": Thin, "other": Other}),
        (datasets, {"numbered": Numbered, "renumbered": Renumbered}),
        (callbacks, {"cut": Cut}),
    ):
        patch.setattr(registry, "_factories", {**registry._factories, **made})
    yield
    patch.undo()


#: Setting -> the value in its place. A function is given the run's folder.
ONE = {
    "data.dataset": "renumbered",
    "data.root": "elsewhere",
    "data.train": "trainval",
    "data.validation": None,
    "data.test": "val",
    "data.splits": {"train": 0.7, "val": 0.3, "of": "train"},
    "data.group_by": r"(\d)",
    "data.settings": {"length": 12},
    "data.rename": {"a": "x"},
    "data.workers": 2,
    "data.worker_kind": "processes",
    "data.on_error": "skip",
    "data.cache": {"memory": "1MiB"},
    "data.check": False,
    "data.score_on_error": "skip",
    "model.backbone": "other",
    "model.settings": {"width": 6},
    "model.heads": {"sort": {"task": "classification"}},
    "model.output_stride": 16,
    "model.weights": "imagenet",
    "model.weights_sha256": "00",
    "model.weights_classes": ["car"],
    "training.epochs": 3,
    "training.batch_size": 2,
    "training.optimizer": "nag",
    "training.optimizer_params": {"momentum": 0.5},
    "training.schedule": {"name": "constant", "lr": 0.02},
    "training.augment": [{"name": "random_flip"}],
    "training.validate_every": "1st",
    "training.validation_losses": True,
    "training.best": "kind/cross_entropy",
    "training.baselines": {"kind/accuracy": 0.5},
    "training.keep": 2,
    "training.accumulate": 2,
    "training.clip_norm": 1.0,
    "training.nonfinite": "skip",
    "training.groups": {"*_gamma": {"wd": 0.0}},
    "training.layer_decay": 0.9,
    "training.balance": {"name": "uncertainty"},
    "training.distill": lambda out: {"kind": str(out)},
    "training.task_affinity": 3,
    "training.conflict": 1,
    "training.freeze": ["thin*"],
    "training.unfreeze": "2ep",
    "training.ema": 0.9,
    "training.precision": "bfloat16",
    "training.sync_batchnorm": True,
    "training.callbacks": [{"name": "csv", "path": "log.csv"}],
    "input_size": (64, 64),
    "resize": "stretch",
    "score_batch_size": 2,
    "out": lambda out: str(out.parent / "another"),
    "pictures": False,
    "seed": 1,
    "resume": lambda out: str(out / "checkpoints" / "last"),
    "init_from": lambda out: str(out),
    "init_mismatched": "skip",
    "engine": "torch",
    "devices": ["cpu"],
    "plugins": ["more.py"],
}
SEVERAL = {
    "model.share_until": "stage3",
    "model.normalize_by_head": True,
    "model.adapt_by_head": True,
    "model.sharing": {"name": "cross_stitch"},
    "datasets": {"first": Part("numbered", "."), "second": Part("numbered", ".", "trainval")},
    "mixture.ratio": {"first": 1.0, "second": 3.0},
    "mixture.temperature": 2.0,
    "mixture.length": 20,
    "mixture.batches": "in_turn",
    "mixture.classes": {"label": ["a", "b", "c", "d"]},
    "mixture.targets": {"second": {"labels": "many"}},
    "mixture.rename": {"second": {"a": "b"}},
    "mixture.unknown": "drop",
    "mixture.lacking": "background",
    "only": ["kind"],
}
TABLE = table_of("a recipe")
#: Settings that go with others only.
WITH = {"data.group_by": ["data.splits"]}


def settings_of(kind, prefix=""):
    """Dotted names of the fields of a recipe, and of the dataclasses in it."""
    for field in dataclasses.fields(kind):
        inner = field.default_factory
        if dataclasses.is_dataclass(inner):
            yield from settings_of(inner, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}"


def test_the_page_and_the_test_have_every_setting():
    every = set(settings_of(MultiRecipe))
    assert {*ONE, *SEVERAL} == every
    assert set(TABLE) == every


def recipe(out, is_several, **own):
    made = MultiRecipe(out=str(out), resume="auto", input_size=(32, 32), score_batch_size=4)
    made.data.dataset, made.data.root, made.data.workers = "numbered", ".", 1
    made.model.backbone = "thin"
    made.model.heads = {"kind": {"task": "classification"}}
    made.training.epochs, made.training.batch_size = 2, 4
    made.training.schedule = {"name": "cosine", "lr": 0.01}
    if is_several:
        made.data = Data(workers=1)
        fewer = {"length": 12, "classes": ["a", "b"]}
        made.datasets = {
            "first": Part("numbered", "."),
            "second": Part("numbered", ".", settings=fewer),
        }
        made.model.heads = {name: {"task": "classification"} for name in ("kind", "sort")}
    for name, value in own.items():
        setattr(made.training, name, value)
    return made


def run(made, monkeypatch):
    monkeypatch.setattr(training, "finish", lambda *rest: {})
    for slow in ("Curves", "TrainBatch"):
        monkeypatch.setattr(training, slow, lambda *rest, **more: df.Callback())
    training.run(made, "", prepare_datasets(made))


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """Whether it has several datasets -> runs that ended with an epoch, and in the middle."""
    with pytest.MonkeyPatch.context() as patch:
        found = {}
        for is_several in (False, True):
            found[is_several] = []
            whole = 5 if is_several else 2
            for at in (whole, whole - 1):
                out = tmp_path_factory.mktemp("run")
                run(recipe(out, is_several, callbacks=[{"name": "cut", "at": at}]), patch)
                found[is_several].append(out)
    return found


#: What the warning of a setting names, where both places tell it. Those in a row are changed at
#: once: each has a warning of its own.
TOLD = (
    {
        "model.output_stride": "backbone",
        "training.optimizer": "optimizer",
        "training.optimizer_params": "optimizer_params",
        "training.schedule": "schedule",
        "training.best": "The best checkpoint is chosen",
        "training.clip_norm": "clip_norm",
        "training.nonfinite": "nonfinite",
        "training.groups": "groups",
        "training.balance": "balance",
        "training.freeze": "freeze",
        "training.unfreeze": "unfreeze",
        "training.ema": "ema",
        "training.precision": "precision",
        "training.sync_batchnorm": "sync_batchnorm",
    },
    {
        "data.validation": "validation",
        "training.epochs": "schedule",
        "training.layer_decay": "groups",
    },
)
SILENT = [name for name in TABLE if set(TABLE[name]) == {"silent"}]
AT_ONCE = {name for row in TOLD for name in row} | {*SILENT}

#: Of what is the same everywhere, the middle of an epoch is the harder place.
TRIED = [
    pytest.param(name, place, id=f"{name}-{('end', 'middle')[place]}")
    for name in (*ONE, *SEVERAL)
    if name not in AT_ONCE
    for place in ((1,) if len({*TABLE[name]}) == 1 else (0, 1))
]


def resumed(tmp_path, begun, monkeypatch, names, place):
    """Resume a copy of a run with other settings of these names."""
    out = tmp_path / "run"
    is_several = not {*names}.isdisjoint(SEVERAL)
    shutil.copytree(begun[is_several][place], out, symlinks=True)
    made = recipe(out, is_several)
    for name in [*names, *(other for key in names for other in WITH.get(key, ()))]:
        value = {**ONE, **SEVERAL}[name]
        holder, _, field = name.rpartition(".")
        setattr(
            getattr(made, holder) if holder else made,
            field,
            value(out) if callable(value) else value,
        )
    monkeypatch.setattr(Loop, "run", lambda self: None)  # what differs is told before
    run(made, monkeypatch)


@pytest.mark.mxnet
@pytest.mark.parametrize(("name", "place"), TRIED)
def test_a_setting_changed_at_a_resume(tmp_path, begun, caplog, monkeypatch, name, place):
    caplog.set_level(logging.WARNING, "densefit")
    caplog.clear()
    if TABLE[name][place] == "refused":
        with pytest.raises(CheckpointError):
            resumed(tmp_path, begun, monkeypatch, [name], place)
        assert "goes on with another" not in caplog.text
        return
    resumed(tmp_path, begun, monkeypatch, [name], place)
    assert bool(caplog.messages) == (TABLE[name][place] == "logged"), caplog.text


@pytest.mark.mxnet
@pytest.mark.parametrize("row", TOLD, ids=["most", "the rest"])
def test_each_of_several_settings_is_told(tmp_path, begun, caplog, monkeypatch, row):
    caplog.set_level(logging.WARNING, "densefit")
    caplog.clear()
    resumed(tmp_path, begun, monkeypatch, row, 1)
    for name, words in row.items():
        assert TABLE[name] == ("logged", "logged")
        said = words if " " in words else f"goes on with another {words}: "
        assert sum(said in text for text in caplog.messages) == 1, (name, caplog.text)


@pytest.mark.mxnet
def test_settings_that_change_no_update_are_silent(tmp_path, begun, caplog, monkeypatch):
    caplog.set_level(logging.WARNING, "densefit")
    caplog.clear()
    resumed(tmp_path, begun, monkeypatch, SILENT, 1)
    assert not caplog.messages
