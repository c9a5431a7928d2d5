"""Trainings that end in the midst of something, and go on."""

import itertools
import json
import logging

import numpy as np
import pytest

import densefit as df
from densefit.callbacks import EarlyStopping, JSONLines
from densefit.checkpoint.storage import store
from densefit.errors import CheckpointError, ConfigError, TrainingDiverged
from tests.rows import fill_data, iterator_of_arrays


class Power(BaseException):
    """Is cut."""


def lines(path):
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "seconds"} for line in found]


def fit(tiny, folder, length=10, cut=None, settings=None, also=(), **more):
    """10 samples in batches of 4: 3 updates an epoch. `cut` is (event, update)."""
    network = tiny.network(dropout=0.2)
    loader = settings.pop("loader", None) if settings else None
    loader = loader or tiny.loader(network, length, 4, workers=0, shuffle=True)

    def stop(state, control, *rest):
        if cut and state.update == cut[1]:
            raise Power

    callbacks = [JSONLines(folder / "log.jsonl", every=1), *also]
    if cut:
        callbacks.append(tiny.Recorder(cut[0], stop))
    history = df.fit(
        network, loader, checkpoint=df.Saver(folder / "checkpoints", every="2st", background=False),
        callbacks=callbacks, resume="auto", schedule=df.Constant(0.01),
        validation=tiny.loader(network, 5, 4), **{"validate_every": "2st", **more},
    )  # fmt: skip
    return network, history


@pytest.mark.parametrize("updates", [4, 5, 6])
@pytest.mark.parametrize("event", ["saved", "validated", "epoch_ended"])
def test_cut_at_its_very_last_update_it_still_comes_to_its_end(tiny, tmp_path, updates, event):
    straight, expected = fit(tiny, tmp_path / "straight", updates=updates)
    folder = tmp_path / "cut"
    try:
        fit(tiny, folder, updates=updates, cut=(event, updates))
    except Power:
        pass
    resumed, history = fit(tiny, folder, updates=updates)
    tiny.assert_equal(straight, resumed)
    keys = ("epoch", "update", "train", "validation", "samples")
    told = [
        [{key: epoch[key] for key in keys} for epoch in one.epochs] for one in (expected, history)
    ]
    assert told[0] == told[1]
    assert lines(folder / "log.jsonl") == lines(tmp_path / "straight" / "log.jsonl")
    assert history.last_validation == expected.last_validation
    content = [
        store.read(one / "checkpoints" / "last")[1] for one in (folder, tmp_path / "straight")
    ]
    assert content[0]["validation"] == content[1]["validation"]
    assert content[0]["pending"] == content[1]["pending"] == ""


def test_an_epoch_that_was_stopped_and_goes_on_is_told_once(tiny, tmp_path):
    def stop(state, control):
        if state.update == 4:
            control.stop("for today")

    straight, expected = fit(tiny, tmp_path / "straight", epochs=2)
    fit(tiny, tmp_path / "cut", epochs=2, also=[tiny.Recorder("update_ended", stop)])
    _, history = fit(tiny, tmp_path / "cut", epochs=2)
    assert [epoch["epoch"] for epoch in history.epochs] == [0, 1]
    assert history.epochs[1]["train"] == expected.epochs[1]["train"]
    epochs = [
        line["epoch"] for line in lines(tmp_path / "cut" / "log.jsonl") if line["kind"] == "epoch"
    ]
    assert epochs == [0, 1]


def test_lines_that_the_disk_lost_are_missed(tiny, tmp_path, caplog):
    fit(tiny, tmp_path, epochs=1)
    path = tmp_path / "log.jsonl"
    path.write_text("".join(path.read_text().splitlines(True)[:2]))
    with caplog.at_level(logging.WARNING, logger="densefit"):
        fit(tiny, tmp_path, epochs=2)
    assert "lacks 4 lines of updates that were made" in caplog.text


def test_skipped_samples_are_not_trained_twice_by_a_resume(tiny, tmp_path):
    """The cursor counts the samples that were passed over, too."""

    class Broken(tiny.Pictures):
        def __getitem__(self, index):
            if index in (1, 2, 6):
                raise OSError("cannot decode")
            return super().__getitem__(index)

    def train(folder, updates=None, epochs=None, resume=None):
        network = tiny.network()
        loader = tiny.loader(
            network, dataset=Broken(20), batch_size=3, workers=0, shuffle=True, on_error="skip"
        )
        return df.fit(
            network, loader, updates=updates, epochs=epochs, checkpoint=folder, resume=resume,
            schedule=df.Constant(0.01),
        )  # fmt: skip

    straight = train(tmp_path / "a", epochs=2)
    for cut in (1, 3, 4):
        folder = tmp_path / str(cut)
        train(folder, updates=cut)
        resumed = train(folder, epochs=2, resume="auto")
        assert [epoch["samples"] for epoch in resumed.epochs] == [17, 17]
        tiny.assert_equal(straight.network, resumed.network)


def test_a_loader_of_another_order_is_refused_in_mid_epoch(tiny, tmp_path):
    def train(updates, **loader):
        network = tiny.network()
        data = tiny.loader(network, 12, 4, workers=0, **loader)
        df.fit(network, data, updates=updates, checkpoint=tmp_path, resume="auto")

    train(2, shuffle=True, seed=3)
    for other in (
        {"shuffle": True, "seed": 4},
        {"seed": 3},
        {"shuffle": True, "seed": 3, "last": "drop"},
    ):
        with pytest.raises(CheckpointError, match="middle of an epoch with another loader"):
            train(4, **other)
    train(3, shuffle=True, seed=3)
    train(4, shuffle=True, seed=4)  # from the epoch's end


# -- rollbacks ------------------------------------------------------------------------------------


def poisoned(tiny, at, times=1):
    """An iterator whose batch number `at` (from 1) is nan, so many times."""
    left, numbers = {"times": times}, itertools.count()

    def take(iterator):
        batch = iterator.next()
        if next(numbers) % 6 + 1 == at and left["times"]:
            left["times"] -= 1
            fill_data(batch, np.nan)
        return batch

    return tiny.Changed(tiny.iterator(24, 4), take)


def roll(tiny, folder, at, times=1, **settings):
    rates = tiny.Recorder("update_ended", lambda state, control: (state.update, state.lr))
    saver = settings.pop("saver", df.Saver(folder, every="2st"))
    network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    df.fit(
        network, poisoned(tiny, at, times), epochs=1, checkpoint=saver, callbacks=[rates],
        on_nonfinite=df.Guard("rollback", factor=0.5), **settings,
    )  # fmt: skip
    return rates.seen


def test_a_rollback_lowers_the_optimizer_s_own_rate_too(tiny, tmp_path):
    params = {"optimizer_params": {"learning_rate": 0.1}}
    seen = roll(tiny, tmp_path / "a", 4, **params)
    assert dict(seen)[2] == 0.1
    assert dict(seen)[6] == 0.05
    twice = dict(roll(tiny, tmp_path / "b", 4, times=2, **params))
    assert twice[6] == 0.025  # and no more than that


def test_a_rollback_cannot_lower_the_rate_of_mxnets_scheduler(mx, tiny, tmp_path):
    scheduler = mx.lr_scheduler.FactorScheduler(5)
    with pytest.raises(ConfigError, match="lr_scheduler leaves none to lower"):
        roll(tiny, tmp_path / "c", 4, optimizer_params={"lr_scheduler": scheduler})


def test_a_rollback_stays_on_its_own_way(tiny, tmp_path):
    """Not to the newest checkpoint of a way that was left."""
    saver = df.Saver(tmp_path, every="2st", keep=df.Keep(last=9))
    network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    df.fit(network, tiny.iterator(24, 4), epochs=1, checkpoint=saver)
    seen = roll(
        tiny, tmp_path, 3, saver=df.Saver(tmp_path, every="9st", keep=df.Keep(last=9)),
        resume=tmp_path / "update-00000002", optimizer_params={"learning_rate": 0.1},
    )  # fmt: skip
    assert [update for update, _ in seen] == [3, 4, 5, 6]
    assert {rate for _, rate in seen} == {0.05}


def test_a_training_that_was_sent_back_leaves_the_other_way_at_once(tiny, tmp_path):
    def train(**settings):
        network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
        saver = df.Saver(tmp_path, every="4st", keep=df.Keep(last=9))
        return df.fit(
            network, tiny.iterator(48, 4), epochs=1, checkpoint=saver, schedule=df.Constant(0.1),
            **settings,
        )  # fmt: skip

    def cut(state, control):
        raise Power

    train()
    with pytest.raises(Power):  # before it has saved anything of its own
        train(resume=tmp_path / "update-00000004", callbacks=[tiny.Recorder("update_ended", cut)])
    assert store.resolve("auto", tmp_path).name == "update-00000004"
    first = tiny.Recorder("update_ended", lambda state, control: state.update)
    train(resume="auto", callbacks=[first])
    assert first.seen[0] == 5


def test_skipped_updates_are_no_rollbacks(tiny, tmp_path):
    network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    df.fit(
        network, poisoned(tiny, 2, 2), updates=4, checkpoint=tmp_path, on_nonfinite="skip",
        schedule=df.Constant(0.1),
    )  # fmt: skip
    rates = tiny.Recorder("update_ended", lambda state, control: state.lr)
    df.fit(
        network, tiny.iterator(24, 4), epochs=1, checkpoint=tmp_path, resume="auto",
        on_nonfinite="rollback", schedule=df.Constant(0.1), callbacks=[rates],
    )  # fmt: skip
    assert set(rates.seen) == {0.1}


def test_what_diverges_leaves_no_nan_in_moving_statistics(tiny):
    class Broken(tiny.Pictures):
        def __getitem__(self, index):
            sample = super().__getitem__(index)
            if index == 5:
                sample.targets["value"] = np.array(np.nan)
            return sample

    network = tiny.network()
    data = tiny.loader(network, dataset=Broken(8), batch_size=4, workers=0)
    with pytest.raises(TrainingDiverged):
        df.fit(network, data, epochs=1)
    assert all(np.isfinite(value).all() for value in tiny.values(network).values())


# -- what is chosen by scores ---------------------------------------------------------------------


def judged(tiny, folder, best, epochs, resume="auto", every="1ep", **settings):
    saver = df.Saver(folder, every=every, keep=df.Keep(best=best))
    network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    history = df.fit(
        network, tiny.iterator(12, 4), epochs=epochs, checkpoint=saver, resume=resume,
        validation=tiny.iterator(6, 4), schedule=df.Constant(0.05), **settings,
    )  # fmt: skip
    return saver, history


def test_the_best_by_another_number_begins_anew(tiny, tmp_path, caplog):
    judged(tiny, tmp_path, "kind/accuracy", 2)
    with caplog.at_level(logging.WARNING, logger="densefit"):
        saver, history = judged(tiny, tmp_path, "size/mae", 4)
    assert "chosen by 'size/mae' from now on, before by 'kind/accuracy'" in caplog.text
    scores = [epoch["validation"]["size/mae"] for epoch in history.epochs[2:]]
    assert saver.keep.leader.score == min(scores)


def test_what_is_the_best_is_saved_though_no_save_falls_on_it(tiny, tmp_path):
    saver, history = judged(tiny, tmp_path, "size/mae", 4, every="100st")
    scores = [epoch["validation"]["size/mae"] for epoch in history.epochs]
    assert saver.keep.leader.score == min(scores)
    with pytest.raises(ConfigError, match="no score 'size/mae' to name the best"):
        df.fit(
            tiny.two_heads(), tiny.iterator(12, 4), heads=tiny.routes(), epochs=1,
            checkpoint=df.Saver(tmp_path / "b", keep=df.Keep(best="size/mae")),
        )  # fmt: skip


def test_a_training_that_was_stopped_early_stays_stopped(tiny, tmp_path):
    def stop():
        return [EarlyStopping("kind/accuracy", patience=1, min_delta=2.0)]

    _, first = judged(tiny, tmp_path, None, 9, callbacks=stop())
    _, second = judged(tiny, tmp_path, None, 9, callbacks=stop())
    assert first.update == second.update == 6
    assert "not improved" in second.stop_reason


def test_a_stop_validates_and_saves_wherever_it_comes(tiny, tmp_path):
    """Also where neither is due; a resume that is stopped at once does so at its update."""

    def run(folder, event, at, **settings):
        def stop(state, control, *rest):
            if state.update >= at:
                control.stop("enough")

        network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
        history = df.fit(
            network, tiny.iterator(12, 4), heads=None, validation=tiny.iterator(6, 4), epochs=4,
            validate_every="4ep", checkpoint=df.Saver(folder, every="1ep", background=False),
            resume="auto", callbacks=[tiny.Recorder(event, stop)], **settings,
        )  # fmt: skip
        _, state = store.read(store.latest(folder))
        assert history.stop_reason == "enough"
        assert history.update == state["update"] == state["validated"]
        assert (
            state["validation"] == history.last_validation == df.score(network, tiny.iterator(6, 4))
        )
        if history.epochs:
            assert history.epochs[-1]["validation"] == history.last_validation
        return history.update

    events = ("fit_started", "epoch_started", "update_ended", "epoch_ended", "saved")
    assert [run(tmp_path / event, event, 0) for event in events] == [0, 0, 1, 3, 3]
    df.fit(
        tiny.two_heads(), tiny.iterator(12, 4), heads=tiny.routes(), epochs=1,
        checkpoint=tmp_path / "a",
    )  # fmt: skip
    assert run(tmp_path / "a", "fit_started", 0) == 3
    assert run(tmp_path / "a", "update_ended", 5) == 5


def test_the_end_is_validated_though_nothing_is_left_to_train(tiny, tmp_path):
    def run(**settings):
        network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
        return df.fit(
            network, tiny.iterator(12, 4), epochs=2, checkpoint=tmp_path, resume="auto", **settings
        )

    assert run().last_validation == {}
    scores = run(validation=tiny.iterator(6, 4)).last_validation
    assert scores
    _, state = store.read(tmp_path / "last")
    assert state["validation"] == scores


def test_a_saver_and_its_choice_serve_two_trainings(tiny, tmp_path):
    saver, history = judged(tiny, tmp_path, "size/mae", 3)
    again = df.Saver(tmp_path / "b", keep=saver.keep)
    network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    other = df.fit(
        network, tiny.iterator(12, 4), epochs=1, validation=tiny.iterator(6, 4), checkpoint=again,
    )  # fmt: skip
    assert again.keep.leader.score == other.last_validation["size/mae"]
    assert [record.update for record in again.keep.records] == [3]


def test_two_trainings_are_not_mixed_by_a_path(tiny, tmp_path):
    judged(tiny, tmp_path / "a", None, 1)
    judged(tiny, tmp_path / "b", None, 1)
    with pytest.raises(CheckpointError, match="another one is to be continued into it"):
        judged(tiny, tmp_path / "b", None, 2, resume=tmp_path / "a")
    judged(tiny, tmp_path / "c", None, 2, resume=tmp_path / "a")


def test_ids_of_batches_without_any_count_on_after_a_resume(tiny, tmp_path):
    network = df.Network(symbol=tiny.kind(), routes=tiny.kind_route())
    x, kind, _ = tiny.arrays(16)
    x[9] = np.nan

    def data():
        return iterator_of_arrays({"data": x}, {"kind_label": kind}, 4)

    df.fit(network, data(), updates=1, checkpoint=tmp_path)
    with pytest.raises(TrainingDiverged, match="sample 9"):
        df.fit(network, data(), epochs=1, checkpoint=tmp_path, resume="auto")
