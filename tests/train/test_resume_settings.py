"""Every setting of `fit` changed at a resume: logged, refused or silent, as the page says."""

import inspect
import logging
import shutil

import numpy as np
import pytest

import densefit as df
from densefit.checkpoint.storage import store
from densefit.data.sample import Sample
from densefit.errors import CheckpointError
from densefit.metrics.core.composite import Composite
from densefit.train.balance import DWA
from tests.docs.resume_table import table_of


class Flat:
    """Pictures of one plane."""

    def __len__(self):
        return 8

    def id_of(self, index):
        return str(index)

    def __getitem__(self, index):
        normals = np.full((64, 64, 3), np.sqrt(1 / 3), np.float32)
        return Sample(str(index), np.zeros((64, 64, 3), np.uint8), {"normals": normals})


class Small:
    """A training of 2 updates an epoch: of heads of ours, of a Symbol, or of a Block."""

    def __init__(self, tiny):
        self.tiny = tiny

    def heads(self, names="ab", length=8):
        tiny = self.tiny
        network = df.Network(tiny.Backbone(), [tiny.Brightness(name) for name in names])
        return {
            "network": network,
            "train": tiny.loader(network, length, 4, workers=0),
            "validation": tiny.loader(network, 4, 4, workers=0),
        }

    def taught(self):
        network = df.Network(self.tiny.Backbone(), [df.head("normals", decoder="fcn")])
        data = [self.tiny.loader(network, 8, 4, dataset=Flat()) for _ in range(2)]
        return {"network": network, "train": data[0], "validation": data[1]}

    def teacher(self):
        training = self.taught()
        df.fit(training["network"], training["train"], epochs=1, lr=0.1)
        return training["network"]

    def symbol(self):
        data = {"train": self.tiny.iterator(8, 4), "validation": self.tiny.iterator(4, 4)}
        return {"network": self.tiny.two_heads(), "heads": self.tiny.routes(), **data}

    def measured(self):
        return {**self.symbol(), "eval_metric": "mae"}

    def partly(self):
        return {**self.heads(), "allow_missing": True}

    def endless(self):
        train = self.tiny.Changed(self.tiny.iterator(24, 4), lambda inner: inner.next())
        return {**self.symbol(), "train": train, "updates_per_epoch": 2}

    def block(self):
        from densefit.backend import mx

        block = mx.gluon.nn.Dense(3, prefix="own_")
        block.initialize()
        data = self.tiny.iterator(8, 4, labels=("kind_label",))
        return {"network": block, "train": data, "loss": mx.gluon.loss.SoftmaxCELoss()}


def mxnet():
    from densefit.backend import mx

    return mx


#: Setting -> (kind of training, the settings that a resume has in place of the first ones).
#: A function is given the maker of small trainings, and makes a value, or all of them.
CHANGES = {
    "network": ("heads", lambda small: small.heads("abc")),
    "train": ("heads", {"train": lambda small: small.heads(length=12)["train"]}),
    "heads": ("symbol", {"heads": lambda small: {"kind": small.tiny.routes()["kind"]}}),
    "validation": ("heads", {"validation": lambda small: small.heads(length=6)["train"]}),
    "validate_every": ("heads", {"validate_every": "1st"}),
    "validation_losses": (
        "heads",
        {"validation_losses": lambda small: small.heads(length=6)["train"]},
    ),
    "derived": ("heads", {"derived": {"both": Composite({"a": {"a/mae": False}})}}),
    "epochs": ("heads", {"epochs": 3}),
    "updates": ("heads", {"epochs": None, "updates": 5}),
    "updates_per_epoch": ("endless", {"updates_per_epoch": 3}),
    "begin_epoch": ("heads", {"begin_epoch": 1}),
    "optimizer": ("heads", {"optimizer": "adam"}),
    "optimizer_params": ("heads", {"optimizer_params": {"momentum": 0.9}}),
    "lr": ("heads", {"lr": 0.2}),
    "schedule": ("heads", {"schedule": df.Constant(0.1)}),
    "callbacks": ("heads", {"callbacks": [df.Callback()]}),
    "progress": ("heads", {"progress": True}),
    "checkpoint": ("heads", {"checkpoint": lambda small: df.Saver(small.folder, every="1st")}),
    "resume": ("heads", {"resume": lambda small: store.latest(small.folder)}),
    "accumulate": ("heads", {"accumulate": 2}),
    "clip_norm": ("heads", {"clip_norm": 1.0}),
    "on_nonfinite": ("heads", {"on_nonfinite": "skip"}),
    "groups": ("heads", {"groups": {"a_*": {"lr": 0.1}}}),
    "balance": ("heads", {"balance": lambda small: DWA()}),
    "distill": ("taught", {"distill": lambda small: {"normals": small.teacher()}}),
    "task_affinity": ("heads", {"task_affinity": 2}),
    "freeze": ("heads", {"freeze": ["a_*"]}),
    "unfreeze": ("heads", {"freeze": ["a_*"], "unfreeze": "2ep"}),
    "label_within": ("heads", {"label_within": 3}),
    "ema": ("heads", {"ema": 0.9}),
    "precision": ("heads", {"precision": "bfloat16"}),
    "sync_batchnorm": ("heads", {"sync_batchnorm": True}),
    "initializer": ("heads", {"initializer": "xavier"}),
    "arg_params": ("partly", {"arg_params": lambda small: {"a_fc_bias": np.ones(1)}}),
    "aux_params": ("partly", {"aux_params": {}}),
    "allow_missing": ("heads", {"allow_missing": True}),
    "fixed_param_names": ("heads", {"fixed_param_names": ["a_fc_weight"]}),
    "loss": ("block", {"loss": lambda small: mxnet().gluon.loss.SoftmaxCELoss(weight=2.0)}),
    "kvstore": ("heads", {"kvstore": "device"}),
    "seed": ("heads", {"seed": 5}),
    "devices": ("heads", {"devices": ["cpu:0", "cpu:1"]}),
    "engine": ("heads", {"engine": "torch"}),
    "eval_metric": ("symbol", {"eval_metric": "mse"}),
    "validation_metric": ("measured", {"validation_metric": "mse"}),
    "batch_end_callback": ("symbol", {"batch_end_callback": lambda small: lambda param: None}),
    "epoch_end_callback": ("symbol", {"epoch_end_callback": lambda small: lambda *rest: None}),
    "eval_end_callback": ("symbol", {"eval_end_callback": lambda small: lambda param: None}),
    "eval_batch_end_callback": ("symbol", {"eval_batch_end_callback": lambda s: lambda p: None}),
    "monitor": ("symbol", {"monitor": lambda small: mxnet().mon.Monitor(1)}),
    "sparse_row_id_fn": ("symbol", {"sparse_row_id_fn": lambda small: lambda batch: None}),
}

TABLE = table_of("`fit`")


def test_the_page_and_the_test_have_every_setting():
    every = [
        name
        for name, parameter in inspect.signature(df.fit).parameters.items()
        if parameter.kind is not parameter.VAR_KEYWORD
    ]
    assert set(CHANGES) == set(every)
    assert set(TABLE) == set(every)


def fit(small, kind, changes=None, **settings):
    made = {
        **{"checkpoint": small.folder, "resume": "auto", "progress": False, "epochs": 2},
        **getattr(small, kind)(),
        **settings,
    }
    changes = changes(small) if callable(changes) else changes or {}
    for name, value in changes.items():
        made[name] = value(small) if callable(value) else value
    return df.fit(**made)


@pytest.fixture(scope="module")
def begun(tiny, tmp_path_factory):
    """Kind of training -> (folder of a checkpoint of an epoch's end, and of the middle)."""
    found = {}

    def folders(kind):
        if kind not in found:
            small = Small(tiny)
            small.folder = end = tmp_path_factory.mktemp("end")
            fit(small, kind, epochs=1)
            small.folder = middle = tmp_path_factory.mktemp("middle")
            fit(small, kind, epochs=None, updates=1)
            found[kind] = end, middle
        return found[kind]

    return folders


#: Settings of one kind of training that are told in both places, changed at once: each has a
#: warning of its own.
AT_ONCE = (
    ("optimizer", "schedule", "clip_norm", "on_nonfinite", "groups", "balance", "freeze",
     "unfreeze", "ema", "precision", "sync_batchnorm", "validation", "derived", "begin_epoch"),
    ("optimizer_params", "fixed_param_names"),
)  # fmt: skip
#: Settings that MXNet alone has.
OF_MXNET = (
    "batch_end_callback devices engine epoch_end_callback eval_batch_end_callback "
    "eval_end_callback eval_metric kvstore loss monitor sparse_row_id_fn validation_metric"
).split()


def marks(is_of_mxnet):
    return pytest.mark.mxnet if is_of_mxnet else ()


#: Silent settings by (kind of training, whether it is MXNet's); with `resume`, only what stands in
#: no one's way.
QUIET = {}
for name, (kind, _) in CHANGES.items():
    if set(TABLE[name]) == {"silent"} and name not in ("epochs", "updates"):
        QUIET.setdefault((kind, name in OF_MXNET), []).append(name)

#: Of what is the same everywhere, the middle of an epoch is the harder place.
TRIED = [
    pytest.param(
        name, place, id=f"{name}-{('end', 'middle')[place]}", marks=marks(name in OF_MXNET)
    )
    for name in CHANGES
    if not any(name in row for row in (*AT_ONCE, *QUIET.values()))
    for place in ((1,) if len({*TABLE[name]}) == 1 else (0, 1))
]


def resumed(tiny, folder, begun, names, place):
    """The history of a training that goes on with other settings of these names."""
    (kind,) = {CHANGES[name][0] for name in names}
    small = Small(tiny)
    small.folder = folder / "run"
    shutil.copytree(begun(kind)[place], small.folder, symlinks=True)
    before = store.read(store.latest(small.folder))[1]["update"]
    changes = CHANGES[names[0]][1] if len(names) == 1 else {}
    for name in names if len(names) > 1 else ():
        changes.update(CHANGES[name][1])
    history = fit(small, kind, changes)
    assert history.update > before
    assert len(history.epochs) >= 2
    return history


@pytest.mark.parametrize(("name", "place"), TRIED)
def test_a_setting_changed_at_a_resume(tiny, tmp_path, begun, caplog, name, place):
    caplog.set_level(logging.WARNING, "densefit")
    begun(CHANGES[name][0])
    caplog.clear()
    expected = TABLE[name][place]
    if expected == "refused":
        with pytest.raises(CheckpointError):
            resumed(tiny, tmp_path, begun, [name], place)
        assert "goes on with another" not in caplog.text
        return
    resumed(tiny, tmp_path, begun, [name], place)
    told = [text for text in caplog.messages if "another" in text]
    if expected == "logged":
        assert told
        assert name in " ".join(told) or name == "train"
    else:
        assert expected == "silent"
        assert not told


@pytest.mark.parametrize("names", AT_ONCE, ids=["most", "the rest"])
def test_each_of_several_settings_is_told(tiny, tmp_path, begun, caplog, names):
    caplog.set_level(logging.WARNING, "densefit")
    begun("heads")
    caplog.clear()
    resumed(tiny, tmp_path, begun, names, 1)
    for name in names:
        assert TABLE[name] == ("logged", "logged")
        said = f"goes on with another {name.removeprefix('on_')}: "
        assert sum(said in text for text in caplog.messages) == 1, (name, caplog.text)


@pytest.mark.parametrize(
    ("kind", "is_of_mxnet"),
    [pytest.param(*key, marks=marks(key[1]), id="-".join(QUIET[key])) for key in sorted(QUIET)],
)
def test_settings_that_change_no_update_are_silent(
    tiny, tmp_path, begun, caplog, kind, is_of_mxnet
):
    caplog.set_level(logging.WARNING, "densefit")
    begun(kind)
    caplog.clear()
    resumed(tiny, tmp_path, begun, QUIET[kind, is_of_mxnet], 1)
    assert not [text for text in caplog.messages if "another" in text]
