"""Optimizers begin anew with each fit, and are the same by name and as objects."""

import re

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.errors import CheckpointError, ConfigError


def fit(tiny, optimizer, settings=None, symbol=None, network=None, **more):
    network = network or df.Network(
        symbol=tiny.two_heads() if symbol is None else symbol, routes=tiny.routes()
    )
    df.fit(
        network, tiny.iterator(8, 4), optimizer=optimizer, optimizer_params=settings or {},
        **{"epochs": 2, **more},
    )  # fmt: skip
    return network


def test_a_name_and_an_object_train_alike(tiny):
    """Of an object that Module did not make, MXNet would decay the biases too."""
    settings = {"learning_rate": 0.1, "wd": 0.5, "momentum": 0.9, "rescale_grad": 0.25}
    by_name = fit(tiny, "sgd", settings)
    by_object = fit(tiny, mx.optimizer.SGD(**settings))
    tiny.assert_equal(by_name, by_object)


def test_multipliers_of_variables_and_of_the_user(tiny):
    frozen = mx.sym.Variable("trunk_weight", lr_mult=0.0)
    x = mx.sym.FullyConnected(mx.sym.Variable("data"), weight=frozen, num_hidden=8, name="trunk")
    size = mx.sym.FullyConnected(x, num_hidden=1, name="size_fc")
    size = mx.sym.LinearRegressionOutput(size, name="size")
    symbol = mx.sym.Group([tiny.kind(trunk=x), size])
    optimizer = mx.optimizer.SGD(learning_rate=0.1, rescale_grad=0.25)
    optimizer.set_lr_mult({"kind_fc_weight": 0.0})
    begin = {"trunk_weight": np.ones((8, 6)), "kind_fc_weight": np.ones((3, 8))}
    network = df.Network(symbol=symbol, routes=tiny.routes())
    network.set_params(begin)
    found = tiny.values(fit(tiny, optimizer, network=network))
    for name, value in begin.items():
        np.testing.assert_array_equal(found[name], value)
    assert (found["kind_fc_bias"] != 0).all()


def test_a_second_fit_begins_with_a_new_optimizer(tiny):
    """Module keeps the old one and ignores the settings, with a line in the log."""
    optimizer = mx.optimizer.Adam(learning_rate=0.1)
    first = fit(tiny, optimizer)
    assert optimizer.num_update == 0
    begin = first.parameters, first.statistics
    again = []
    for _ in range(2):
        network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
        network.set_params(*begin)
        again.append(fit(tiny, optimizer, network=network))
    tiny.assert_equal(*again)
    rates = tiny.Recorder("update_ended", lambda state, control: state.lr)
    fit(tiny, "sgd", {"learning_rate": 0.25}, network=first, callbacks=[rates])
    assert set(rates.seen) == {0.25}


@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (("adam", {}), ("sgd", {"momentum": 0.9}), "of Adam$"),
        (("nadam", {}), ("nadam", {"learning_rate": 0.5}), ""),
        (("sgd", {"momentum": 0.9}), ("nadam", {}), "of SGD$"),
        (("rmsprop", {}), ("rmsprop", {"centered": True}), "of RMSProp with other settings$"),
        (("sgd", {}), ("sgd", {"momentum": 0.9}), "of SGD with other settings$"),
    ],
)
def test_another_optimizer_begins_anew(tiny, tmp_path, caplog, before, after, told, devices):
    """As a new training with the checkpoint's weights; one whose states fit goes on with them."""
    settings = {"devices": [mx.cpu(k) for k in range(devices)], "checkpoint": tmp_path}
    fit(tiny, *before, **settings)
    kept = df.load(tmp_path, df.Network(symbol=tiny.two_heads(), routes=tiny.routes()))
    caplog.clear()
    resumed = fit(tiny, *after, resume="auto", epochs=3, **settings)
    new = fit(tiny, *after, network=kept, epochs=1, devices=settings["devices"])
    said = [text for text in caplog.messages if "begin at zero" in text]
    assert len(said) == (1 if told else 0)
    assert not told or re.search(told, said[0])
    assert any("goes on with another optimizer" in text for text in caplog.messages)
    resumed, new = tiny.values(resumed), tiny.values(new)
    assert all((resumed[name] == new[name]).all() for name in new) == bool(told)


def test_an_lr_scheduler_begins_anew_with_its_optimizer(tiny, tmp_path, caplog):
    fit(tiny, "adam", checkpoint=tmp_path)
    scheduler = mx.lr_scheduler.FactorScheduler(1, 0.5, base_lr=0.5)
    rates = tiny.Recorder("update_ended", lambda state, control: state.lr)
    settings = {"checkpoint": tmp_path, "resume": "auto", "epochs": 3, "callbacks": [rates]}
    fit(tiny, "sgd", {"lr_scheduler": scheduler}, **settings)
    assert "counted, by its lr_scheduler too, from 0" in caplog.text
    assert rates.seen[0] == 0.5


def test_a_refusal_is_not_told_to_go_on_first(tiny, tmp_path, caplog):
    fit(tiny, "adam", checkpoint=tmp_path)
    x = mx.sym.Variable("data")
    other = mx.sym.FullyConnected(x, num_hidden=1, name="size_fc")
    network = df.Network(
        symbol=mx.sym.Group(
            [tiny.kind(trunk=x), mx.sym.LinearRegressionOutput(other, name="size")]
        ),
        routes=tiny.routes(),
    )
    with pytest.raises(CheckpointError, match="does not fit the network"):
        fit(tiny, "sgd", network=network, checkpoint=tmp_path, resume="auto", epochs=3)
    assert "goes on with another" not in caplog.text


def test_a_momentum_that_mxnet_cannot_train_with_is_refused_at_once(tiny):
    fit(tiny, "dcasgd")
    with pytest.raises(ConfigError, match="DCASGD cannot train with momentum"):
        fit(tiny, "dcasgd", {"momentum": 0.9})
    with pytest.raises(ConfigError, match="DCASGD cannot train with momentum"):
        fit(tiny, mx.optimizer.DCASGD(momentum=0.9))


def test_no_optimizer_at_all(tiny):
    with pytest.raises(ConfigError, match="refuses the optimizer"):
        fit(tiny, 7)


@pytest.mark.parametrize(
    "settings",
    [
        {"schedule": df.Constant(0.1)},
        {"optimizer_params": {"learning_rate": 0.1}},
        {"groups": {"trunk_*": {"lr": 0.1}}},
        {"groups": {"trunk_*": {"wd": 0.0}}},
    ],
    ids=["schedule", "rate", "group", "none"],
)
def test_a_rate_that_the_optimizer_does_not_look_at_is_told(tiny, caplog, settings):
    def fit(**more):
        network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
        mx.random.seed(3)
        df.fit(network, tiny.iterator(8, 4), updates=2, optimizer="adadelta", **more)
        return tiny.values(network)

    moved = fit(**settings)
    assert ("no learning rate" in caplog.text) == (
        settings.get("groups") != {"trunk_*": {"wd": 0.0}}
    )
    for name, value in fit().items():
        np.testing.assert_array_equal(value, moved[name])
