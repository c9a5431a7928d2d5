"""Resumes: exact on one engine, and from one engine to the other."""

import logging

import numpy as np
import pytest

import densefit as df
from densefit.checkpoint.storage import store
from tests.engine.torch.both_engines import ENGINES, assert_close

ADAM = {"optimizer": "adam", "optimizer_params": {"wd": 1e-3}}
SGD = {"optimizer_params": {"momentum": 0.9, "wd": 1e-3}}


def network_of(tiny, dropout=0.5):
    heads = [tiny.Brightness("a", dropout=dropout), tiny.Brightness("b")]
    return df.Network(tiny.Backbone(), heads)


def fit(tiny, engine, network=None, **settings):
    network = network or network_of(tiny)
    data = tiny.loader(network, 14, 4, workers=0)
    settings = {"schedule": df.Cosine(lr=0.02), "ema": 0.9, **settings}
    df.fit(network, data, engine=engine, progress=False, **settings)
    return network


@pytest.mark.parametrize("settings", [ADAM, {**SGD, "accumulate": 2}], ids=["adam", "accumulate"])
def test_a_resume_in_mid_epoch_is_exact(tiny, tmp_path, settings):
    whole = fit(tiny, "torch", updates=7, **settings)
    folder = {"checkpoint": df.Saver(tmp_path, every="1st"), "resume": "auto"}

    class Stop(df.Callback):
        def update_ended(self, state, control):
            if state.update == 3:
                control.stop("enough")

    fit(tiny, "torch", updates=7, callbacks=[Stop()], **folder, **settings)
    assert store.read(store.latest(tmp_path))[1]["update"] < 7
    resumed = fit(tiny, "torch", updates=7, **folder, **settings)
    tiny.assert_equal(whole, resumed)


@pytest.mark.parametrize("settings", [ADAM, SGD], ids=["adam", "sgd"])
@pytest.mark.parametrize("first", ENGINES)
def test_a_training_goes_on_with_the_other_engine(tiny, tmp_path, caplog, first, settings):
    """Parameters, moments, averages and the schedule continue."""
    (second,) = set(ENGINES) - {first}
    whole = network_of(tiny, dropout=0.0)
    begun = network_of(tiny, dropout=0.0)
    fit(tiny, "mxnet", begun, updates=1, optimizer_params={}, schedule=df.Constant(1e-9))
    start = {"arg_params": dict(begun.parameters), "aux_params": dict(begun.statistics)}
    fit(tiny, first, whole, updates=8, **start, **settings)
    folder = {"checkpoint": tmp_path, "resume": "auto"}

    class Stop(df.Callback):
        def update_ended(self, state, control):
            if state.update == 5:
                control.stop("enough")

    half = network_of(tiny, dropout=0.0)
    fit(tiny, first, half, updates=8, callbacks=[Stop()], **start, **folder, **settings)
    caplog.set_level(logging.WARNING, "densefit")
    resumed = fit(tiny, second, network_of(tiny, 0.0), updates=8, **folder, **settings)
    assert f"goes on with another engine: {second}, before {first}" in caplog.text
    assert "the engines round differently" in caplog.text
    assert_close(whole, resumed)
    assert any(
        np.abs(whole.parameters[name] - half.parameters[name]).max() > 1e-4
        for name in whole.parameters
    )


def test_a_checkpoint_that_names_no_engine_is_of_mxnet(tiny, tmp_path, caplog, monkeypatch):
    from densefit.train.setup import identity

    named = identity.identity_of
    monkeypatch.setattr(
        "densefit.train.setup.start.identity_of",
        lambda *plan: {k: v for k, v in named(*plan).items() if k != "engine"},
    )
    fit(tiny, "mxnet", updates=2, checkpoint=tmp_path, resume="auto")
    monkeypatch.undo()
    caplog.set_level(logging.WARNING, "densefit")
    fit(tiny, "mxnet", updates=3, checkpoint=tmp_path, resume="auto")
    assert "another engine" not in caplog.text
    fit(tiny, "torch", updates=4, checkpoint=tmp_path, resume="auto")
    assert "another engine: torch, before mxnet" in caplog.text


def test_a_rollback_is_the_same_on_both_engines(tiny, tmp_path):
    """A picture that is nan in one epoch: back to the checkpoint, at a lower rate."""
    networks = []
    for engine in ENGINES:
        network = network_of(tiny, dropout=0.0)
        fit(tiny, "mxnet", network, updates=1, schedule=df.Constant(1e-9), ema=None)

        class Once(df.Callback):
            """Makes a parameter nan once, as a bad update would."""

            done = False

            def update_ended(self, state, control):
                if state.update == 5 and not self.done:
                    type(self).done = True
                    values = {**state.network.parameters}
                    values["a_fc_weight"] = values["a_fc_weight"] * np.nan
                    self.learner.parameters.load(values, state.network.statistics, "test")

        callback = Once()
        begin = df.engine.make

        def make(network, devices=None, engine=None, begin=begin, callback=callback):
            callback.learner = begin(network, devices, engine)
            return callback.learner

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("densefit.engine.model_input.engines.make", make)
            settings = {"checkpoint": df.Saver(tmp_path / engine, every="2st"), "resume": "auto"}
            fit(tiny, engine, network, updates=8, on_nonfinite="rollback", callbacks=[callback],
                ema=None, **settings)  # fmt: skip
        assert callback.done
        networks.append(network)
    assert_close(*networks)
