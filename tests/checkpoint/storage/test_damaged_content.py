"""Checkpoints whose files are whole and whose content no training wrote."""

import logging

import numpy as np
import pytest

import densefit as df
from densefit.checkpoint.storage import store
from densefit.checkpoint.weights.parameters import split_model
from densefit.errors import CheckpointError


def train(tiny, directory, epochs, symbol=None, **settings):
    symbol = tiny.conv_bn() if symbol is None else symbol
    network = df.Network(symbol=symbol, routes=tiny.kind_route())
    history = df.fit(network, tiny.images(), epochs=epochs, checkpoint=directory, **settings)
    return network, history


@pytest.fixture(scope="module")
def saved(tiny, tmp_path_factory):
    directory = tmp_path_factory.mktemp("saved")
    train(tiny, directory, 1, optimizer_params={"momentum": 0.9})
    return store.read(directory / "last")


@pytest.fixture
def changed(saved, tmp_path):
    """Writes the checkpoint with another content."""

    def write(part=None, change=None, **state):
        parts = {name: dict(arrays) for name, arrays in saved[0].items()}
        if part is not None:
            parts[part] = change(parts[part])
        kept = {name: arrays for name, arrays in parts.items() if arrays is not None}
        return store.write(tmp_path, "update-00000002", kept, {**saved[1], **state})

    return write


def resumed(tiny, path, epochs=2, **settings):
    settings = {"optimizer_params": {"momentum": 0.9}, "resume": "auto", **settings}
    return train(tiny, path.parent, epochs, **settings)


def refused(tiny, path, match, file):
    with pytest.raises(CheckpointError, match=match) as caught:
        resumed(tiny, path)
    assert file in str(caught.value.where)
    assert path.name in str(caught.value.where)


def test_what_is_whole_is_resumed(tiny, changed):
    _, history = resumed(tiny, changed())
    assert history.update == 4


def test_an_optimizer_never_begins_with_zeros_in_silence(tiny, changed):
    refused(tiny, changed("optimizer", lambda old: None), "no part 'optimizer'", "update")
    refused(tiny, changed("optimizer", lambda old: {}), "lacks optimizer states", "optimizer")
    one = "kind_fc_weight/array"
    path = changed("optimizer", lambda old: {k: v for k, v in old.items() if k != one})
    refused(tiny, path, r"lacks optimizer states(.|\n)*kind_fc_weight", "optimizer")


def each(function):
    return lambda old: {name: function(array) for name, array in old.items()}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (each(lambda array: array[:1]), r"does not fit(.|\n)*float32 \(1,"),
        (each(lambda array: array.astype(np.int64)), r"does not fit(.|\n)*int64"),
        (each(lambda array: array * np.nan), "is nan"),
    ],
)
def test_optimizer_states_fit(tiny, changed, change, match):
    refused(tiny, changed("optimizer", change), match, "update-00000002")


def test_states_that_other_settings_need_are_told(tiny, tmp_path, caplog):
    train(tiny, tmp_path, 1)  # no momentum, no states
    with caplog.at_level(logging.WARNING, "densefit"):
        train(tiny, tmp_path, 2, resume="auto", optimizer_params={"momentum": 0.9})
    assert "the moments of SGD begin at zero" in caplog.text
    assert "of SGD with other settings" in caplog.text
    parts, _ = store.read(tmp_path / "last")
    assert "kind_fc_weight/array" in parts["optimizer"]  # it has momentum now


def only(name, function):
    return lambda old: {key: function(a) if name in key else a for key, a in old.items()}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (only("fc_weight", lambda a: a.astype(np.int64)), r"'kind_fc_weight'(.|\n)*int64"),
        (only("fc_bias", lambda a: a.astype(bool)), r"'kind_fc_bias'(.|\n)*bool"),
        (only("fc_bias", lambda a: a * np.nan), r"'kind_fc_bias'(.|\n)*not finite"),
        (only("moving_var", lambda a: a - 9), r"variance 'conv_bn_moving_var'(.|\n)*negative"),
        (lambda old: {"weight": np.ones(1, np.float32)}, "neither arg: nor aux:"),
    ],
)
def test_parameters_are_finite_real_numbers(tiny, changed, change, match):
    path = changed("model", change)
    refused(tiny, path, match, "model.safetensors")
    network = df.Network(symbol=tiny.conv_bn(), routes=tiny.kind_route())
    if "int64" not in match and "bool" not in match:
        with pytest.raises(CheckpointError, match=match):
            df.load(path, network)


def test_other_widths_of_real_numbers_are_read(tiny, changed):
    for dtype in (np.float64, np.float16):
        _, history = resumed(tiny, changed("model", each(lambda a, to=dtype: a.astype(to))))
        assert history.update == 4


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("epoch", value) for value in (-5, 1.5, True, None, "1", float("nan"))),
        *(("update", value) for value in (-1, float("nan"), 2**60)),
        *(("batch", -5), ("samples", -1), ("seconds", float("nan")), ("seconds", -1.0)),
        *(("epochs", [1]), ("epochs", "x"), ("validation", {"a": "b"}), ("pending", "x")),
        *(("callbacks", "x"), ("callbacks", [1]), ("labelled", {"kind": -1}), ("position", "x")),
        *(("optimizer", {}), ("rng", 5), ("schedule", None), ("balance", [1]), ("identity", "x")),
        *(("updates_per_epoch", 0), ("rollbacks", -1), ("lr", "x"), ("metrics", {"kind": 1})),
        ("keep", {"records": [{"name": "../../other", "update": 1, "score": 0.5}]}),
    ],
)
def test_a_state_that_no_training_writes(tiny, changed, key, value):
    refused(tiny, changed(**{key: value}), f"{key!r}", "state.json")


#: Graphs of MXNet allot memory when they are built.
TOO_WIDE = pytest.param(10**9, marks=pytest.mark.mxnet)


@pytest.mark.parametrize("width", [TOO_WIDE, 1e9, -1, "x"])
def test_a_network_that_cannot_be_built(width, changed):
    spec = df.Network("resnet18", [df.head("classification", classes=["a", "b"])]).spec
    path = changed(network={**spec, "settings": {"width": width}})
    with pytest.raises(CheckpointError, match="how its network was built") as caught:
        df.load(path)
    assert "update-00000002" in str(caught.value.where)
    assert "Traceback" not in str(caught.value)


def test_split_model():
    assert split_model({"arg:a": np.ones(1), "aux:b:c": np.ones(2)})[1].keys() == {"b:c"}
    with pytest.raises(CheckpointError, match="neither"):
        split_model({"weight": np.ones(1)})
