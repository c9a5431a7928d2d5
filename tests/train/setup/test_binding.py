"""Frozen parameters that are trained from an update on: before, after, and across a resume."""

import logging

import numpy as np
import pytest

import densefit as df
from densefit.checkpoint.storage import store
from densefit.errors import ConfigError

STEM = "tiny_stem_weight", "tiny_stem_bn_gamma", "tiny_stem_bn_beta"
MOVING = "tiny_stem_bn_moving_mean", "tiny_stem_bn_moving_var"
FREEZE = {"freeze": ["tiny_*"], "unfreeze": "2ep"}
ENGINES = [pytest.param("mxnet", marks=pytest.mark.mxnet), "torch"]


def pictures_with_one_bad_reading(tiny, index, reading):
    """Pictures, of which one is of infinite brightness in one of its readings."""
    counts = {index: 0}

    class Pictures(tiny.Pictures):
        def __getitem__(self, at):
            sample = super().__getitem__(at)
            if at == index:
                counts[at] += 1
                if counts[at] == reading:
                    sample.targets["value"] = np.array(np.inf)
            return sample

    return Pictures(12)


def train(tiny, epochs=4, callbacks=(), dropout=0.3, data=None, **settings):
    """3 updates an epoch of 12 pictures."""
    network = tiny.network(dropout=dropout)
    data = {"shuffle": True, **(data or {})}
    history = df.fit(
        network, tiny.loader(network, 12, 4, workers=0, **data), epochs=epochs,
        callbacks=callbacks, validation=tiny.loader(network, 5, 4, workers=0),
        **{"lr": 0.05, "optimizer_params": {"momentum": 0.9}, "progress": False, **settings},
    )  # fmt: skip
    return network, history


def values_by_update(tiny, **settings):
    """Update -> values of all parameters after it."""
    seen = {}

    def note(state, control):
        seen[state.update] = {k: v.copy() for k, v in tiny.values(state.network).items()}

    train(tiny, callbacks=[tiny.Recorder("update_ended", note)], **settings)
    return seen


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("unfreeze", ["2ep", "6st", "50%"])
def test_parameters_and_statistics_move_from_the_moment_on(tiny, engine, unfreeze):
    seen = values_by_update(tiny, engine=engine, freeze=["tiny_*"], unfreeze=unfreeze)
    for update in range(2, 13):
        last, now = seen[update - 1], seen[update]
        for name in (*STEM, *MOVING):
            assert np.array_equal(last[name], now[name]) == (update <= 6), (name, update)
        assert (last["bright_fc_weight"] != now["bright_fc_weight"]).any()


SETTINGS = {
    "plain": {},
    "adam and all at once": {
        **{"optimizer": "adam", "optimizer_params": {"wd": 1e-3}, "lr": 0.01, "accumulate": 2},
        **{"ema": 0.8, "clip_norm": 0.05, "groups": {"*_bias": {"wd": 0}}, "unfreeze": "3st"},
    },
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", SETTINGS)
def test_a_resume_before_at_and_after_the_moment_is_the_same_training(tiny, tmp_path, engine, name):
    """The moment is after update 6 of 12, or 3 of 8 in mid-epoch; dropout goes on, too."""
    settings = {**FREEZE, **SETTINGS[name], "engine": engine, "validate_every": "1st"}
    whole, history = train(tiny, **settings)
    for at in (2, 3, 4) if name != "plain" else (6,):
        folder = tmp_path / str(at)

        def stop(state, control, at=at):
            if state.update == at:
                control.stop("for the night")

        train(tiny, checkpoint=folder, callbacks=[tiny.Recorder("update_ended", stop)], **settings)
        resumed, rest = train(tiny, checkpoint=folder, resume="auto", **settings)
        tiny.assert_equal(whole, resumed)
        for first, second in zip(history.epochs, rest.epochs, strict=True):
            assert {**first, "seconds": 0} == {**second, "seconds": 0}


@pytest.mark.parametrize("engine", ENGINES)
def test_it_is_the_training_that_a_resume_without_freeze_makes(tiny, tmp_path, engine):
    by_itself, _ = train(tiny, **FREEZE, engine=engine, checkpoint=tmp_path / "a")
    train(tiny, 2, freeze=["tiny_*"], engine=engine, checkpoint=tmp_path / "b")
    by_hand, _ = train(tiny, engine=engine, checkpoint=tmp_path / "b", resume="auto")
    tiny.assert_equal(by_itself, by_hand)


@pytest.mark.parametrize("engine", ENGINES)
def test_states_of_newly_trained_parameters_begin_at_zero(tiny, tmp_path, engine):
    train(tiny, **FREEZE, engine=engine, optimizer="adam", optimizer_params={}, checkpoint=tmp_path)
    counters = store.read(store.latest(tmp_path))[1]["optimizer"]
    assert counters["counts"]["tiny_stem_weight"] == 6
    assert counters["counts"]["bright_fc_weight"] == counters["num_update"] == 12


@pytest.mark.mxnet
def test_engines_unfreeze_alike(tiny):
    started = tiny.network()
    df.fit(started, tiny.loader(started, 4, 4, workers=0), epochs=1, lr=1e-12, engine="torch")
    values = {"arg_params": started.parameters, "aux_params": started.statistics}
    first, second = (
        train(tiny, **FREEZE, **values, engine=engine, dropout=0.0)[0]
        for engine in ("mxnet", "torch")
    )
    tiny.assert_equal(first, second, exactly=False)


@pytest.mark.parametrize("engine", ENGINES)
def test_validations_score_the_present_parameters(tiny, engine):
    """An evaluator copies parameters when their version has changed."""
    network, history = train(tiny, **FREEZE, engine=engine, validate_every="1st", lr=0.2)
    scores = df.score(network, tiny.loader(network, 5, 4, workers=0), engine=engine)
    assert history.last_validation == pytest.approx(scores, rel=1e-6)
    assert len({epoch["validation"]["bright/mae"] for epoch in history.epochs}) == 4


@pytest.mark.parametrize("engine", ENGINES)
def test_a_rollback_to_before_the_moment_freezes_again(tiny, tmp_path, engine):
    """Update 6, the first that trains all, is not finite: back to the end of the first epoch."""
    seen, weights = [], []

    def note(state, control):
        seen.append((state.update, len(state.frozen)))
        weights.append(tiny.values(state.network)["tiny_stem_weight"].copy())

    dataset = pictures_with_one_bad_reading(tiny, 8, 2)
    train(
        tiny, 3, engine=engine, freeze=["tiny_*"], unfreeze="5st", on_nonfinite="rollback",
        data={"dataset": dataset, "shuffle": False}, checkpoint=tmp_path,
        callbacks=[tiny.Recorder("update_ended", note)],
    )  # fmt: skip
    updates = [1, 2, 3, 4, 5, 4, 5, 6, 7, 8, 9]
    assert seen == [(update, 3 if update <= 5 else 0) for update in updates]
    for update, weight in zip(updates, weights):
        assert (weight == weights[0]).all() == (update <= 5), update


@pytest.mark.parametrize("engine", ENGINES)
def test_callbacks_and_logs_tell_the_moment(tiny, engine, caplog, capsys):
    caplog.set_level(logging.INFO, "densefit")
    counts = []
    note = tiny.Recorder("update_ended", lambda state, control: counts.append(len(state.frozen)))
    bar = df.callbacks.Progress(every=1e9)
    _, history = train(tiny, **FREEZE, engine=engine, callbacks=[note, bar])
    assert counts == [3] * 6 + [0] * 6
    assert [epoch.get("frozen") for epoch in history.epochs] == [3, 3, None, None]
    said = [text for text in caplog.messages if "parameters are trained" in text]
    assert said == ["From update 7 on, 3 parameters are trained, too (unfreeze='2ep')"]
    assert "update 7/12: 3 more parameters are trained from here on" in capsys.readouterr().err


@pytest.mark.parametrize("balance", ["gradnorm", "pcgrad"])
def test_balancers_read_the_gradients_of_what_is_trained(tiny, balance):
    """The heads share the stem; at first its BatchNorm's offset alone is trained."""
    network = df.Network(tiny.Backbone(), [tiny.Brightness("a"), tiny.Brightness("b")])
    before = None

    def note(state, control):
        nonlocal before
        if state.update == 3:
            before = tiny.values(state.network)["tiny_stem_weight"].copy()

    df.fit(
        network, tiny.loader(network, 12, 4, workers=0), epochs=2, lr=0.05, balance=balance,
        freeze=["tiny_stem_weight"], unfreeze="1ep",
        callbacks=[tiny.Recorder("update_ended", note)],
    )  # fmt: skip
    assert (tiny.values(network)["tiny_stem_weight"] != before).any()


@pytest.mark.parametrize(("unfreeze", "moment"), [("50%", 6), ("1ep", 3), ("0.5ep", 3)])
def test_data_without_a_length(tiny, unfreeze, moment):
    """A length in parts is known when the first epoch has ended, after 3 of 12 updates."""
    data = tiny.Changed(tiny.iterator(12, 4), lambda inner: inner.next())
    seen = []

    def note(state, control):
        seen.append(state.network.parameters["trunk_weight"].copy())

    df.fit(
        df.Network(symbol=tiny.two_heads(), routes=tiny.routes()), data, epochs=4, lr=0.1,
        freeze=["trunk_*"], unfreeze=unfreeze, callbacks=[tiny.Recorder("update_ended", note)],
    )  # fmt: skip
    moved = [(before != after).any() for before, after in zip(seen, seen[1:])]
    assert moved == [update > moment for update in range(2, 13)]


@pytest.mark.mxnet
def test_a_users_module_gets_what_is_trained(tiny, mx):
    """An ordinary Module, whose parameters and optimizer follow the training."""
    module = mx.mod.Module(tiny.kind(), label_names=["kind_label"])
    data = tiny.iterator(12, 4, labels=("kind_label",))
    module.bind(data.provide_data, data.provide_label)
    module.init_params(mx.init.Uniform(0.1))
    before = module.get_params()[0]["kind_fc_weight"].asnumpy()
    module.init_optimizer(optimizer="sgd", optimizer_params={"momentum": 0.9})
    history = df.fit(module, data, epochs=2, freeze=["kind_fc_weight"], unfreeze="1ep")
    after = module.get_params()[0]["kind_fc_weight"].asnumpy()
    assert (after != before).any()
    np.testing.assert_array_equal(after, history.network.parameters["kind_fc_weight"])


def test_there_must_be_something_to_unfreeze(tiny):
    with pytest.raises(ConfigError, match="nothing to unfreeze"):
        train(tiny, unfreeze="2ep")
