import json

import numpy as np
import pytest

import densefit as df
from densefit.callbacks import Control, JSONLines, TrainState
from densefit.callbacks.jsonl import read_lines
from densefit.errors import ConfigError, DataError


def run(path, start=0, stop=10, seconds=0.0, every=2, per_epoch=4):
    """Updates `start` to `stop`, a second each; a validation after every epoch."""
    callback, control = JSONLines(path, every=every), Control()
    state = TrainState(None, update=start, seconds=seconds, train=lambda: {"a/loss": 1.5})
    callback.fit_started(state, control)
    for update in range(start + 1, stop + 1):
        state.update, state.epoch = update, (update - 1) // per_epoch
        state.seconds += 1
        if (update - 1) % per_epoch == 0 or update == start + 1:
            callback.epoch_started(state, control)
        state.lr = 0.5 / update
        callback.update_ended(state, control)
        if update % per_epoch == 0:
            callback.epoch_ended(state, control)
            state.validation = {"a/score": np.float32(0.5), "a/score/cat": float("nan")}
            callback.validated(state, control)
    callback.fit_ended(state, None)


def kinds(path):
    return [(line["kind"], line["update"]) for line in read_lines(path)]


WHOLE = [
    ("update", 2),
    ("update", 4),
    ("epoch", 4),
    ("validation", 4),
    ("update", 6),
    ("update", 8),
    ("epoch", 8),
    ("validation", 8),
    ("update", 10),
]


def test_the_lines(tmp_path):
    path = tmp_path / "run" / "metrics.jsonl"
    run(path)
    assert kinds(path) == WHOLE
    lines = path.read_text().splitlines()
    assert json.loads(lines[0]) == {
        "kind": "update",
        "update": 2,
        "epoch": 0,
        "seconds": 2.0,
        "lr": 0.25,
        "a/loss": 1.5,
    }
    assert json.loads(lines[3])["a/score"] == 0.5
    assert '"a/score/cat": null' in lines[3]
    assert "NaN" not in path.read_text()


@pytest.mark.parametrize("counted_by_the_loop", [False, True])
def test_a_resumed_training_goes_on_in_the_same_file(tmp_path, counted_by_the_loop):
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    run(whole)
    run(resumed, stop=7)  # a checkpoint was written at update 4, and the process died after 7
    run(resumed, start=4, seconds=4.0 if counted_by_the_loop else 0.0)
    assert resumed.read_text() == whole.read_text()


def test_a_line_that_was_cut_off_is_dropped(tmp_path):
    path = tmp_path / "log"
    run(path, stop=6)
    text = path.read_text()
    path.write_text(text + text.splitlines()[0][:20])
    assert kinds(path) == WHOLE[:5]
    run(path, start=6)
    assert kinds(path) == WHOLE


def test_a_new_training_keeps_the_earlier_one_under_another_name(tmp_path, caplog):
    caplog.set_level("INFO", "densefit")
    path = tmp_path / "log.jsonl"
    run(path)
    whole = path.read_bytes()
    run(path, stop=3)
    assert kinds(path) == [("update", 2)]
    assert (tmp_path / "log-1.jsonl").read_bytes() == whole
    assert caplog.text.count("now log-1.jsonl") == 1


def test_a_rollback_to_the_beginning_is_the_same_training(tmp_path):
    callback = JSONLines(tmp_path / "log", every=1)
    state = TrainState(None, update=1, train=lambda: {"a/loss": 1.0})
    callback.fit_started(TrainState(None), Control())
    callback.update_ended(state, Control())
    callback.rolled_back(TrainState(None), Control())
    callback.update_ended(state, Control())
    callback.fit_ended(state, None)
    assert kinds(tmp_path / "log") == [("update", 1)]
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_a_file_of_another_kind_is_not_overwritten(tmp_path):
    path = tmp_path / "log"
    path.write_text("notes\nmore notes\n")
    with pytest.raises(DataError, match="line 1"):
        run(path)
    assert path.read_text() == "notes\nmore notes\n"


def test_lines_are_there_at_once(tmp_path):
    callback = JSONLines(tmp_path / "log", every=1)
    state = TrainState(None, update=1, train=lambda: {"a/loss": float("inf")})
    callback.fit_started(state, Control())
    callback.update_ended(state, Control())
    assert read_lines(tmp_path / "log")[0]["a/loss"] is None
    callback.fit_ended(state, KeyboardInterrupt())
    callback.update_ended(state, Control())  # closed: nothing happens
    assert len(read_lines(tmp_path / "log")) == 1


def test_numbers_are_read_only_to_be_written(tmp_path):
    reads = []
    callback = JSONLines(tmp_path / "log", every=50)
    state = TrainState(None, train=lambda: reads.append(1) or {})
    callback.fit_started(state, Control())
    for state.update in range(1, 101):
        callback.update_ended(state, Control())
    callback.fit_ended(state, None)
    assert len(reads) == 2


def test_a_validation_belongs_to_the_epoch_that_it_follows(tmp_path):
    callback, control = JSONLines(tmp_path / "m.jsonl", every=1), Control()
    state = TrainState(None, train=dict)
    callback.fit_started(state, control)
    state.update, state.batch = 1, 1
    callback.update_ended(state, control)
    callback.epoch_ended(state, control)
    state.epoch, state.batch = 1, 0  # as `fit` does before it validates
    callback.validated(state, control)
    callback.fit_ended(state, None)
    assert [line["epoch"] for line in read_lines(tmp_path / "m.jsonl")] == [0, 0, 0]


def test_no_file_no_lines(tmp_path):
    assert read_lines(tmp_path / "nothing") == []


def test_wrong_settings(tmp_path):
    with pytest.raises(ConfigError, match="every=0"):
        JSONLines(tmp_path / "log", every=0)


def test_what_was_written_after_the_checkpoint_of_the_same_update_is_written_once(tiny, tmp_path):
    """Killed between an epoch's line and the epoch's checkpoint, after one in mid-epoch."""
    path = tmp_path / "log.jsonl"

    def run(*more, **settings):
        network = tiny.network()
        df.fit(
            network, tiny.loader(network, 8, 4), epochs=2, schedule=df.Constant(0.1),
            validation=tiny.loader(network, 4, 4), callbacks=[JSONLines(path, every=1), *more],
            checkpoint=df.Saver(tmp_path / "checkpoints", every="1st"), **settings,
        )  # fmt: skip
        return [(line["kind"], line["update"]) for line in read_lines(path)]

    def kill(state, control):
        raise KeyboardInterrupt

    for event in ("epoch_ended", "validated"):
        with pytest.raises(KeyboardInterrupt):
            run(tiny.Recorder(event, kill), resume="auto")
    expected = [("update", 1), ("update", 2), ("epoch", 2), ("validation", 2)]
    expected += [("update", 3), ("update", 4), ("epoch", 4), ("validation", 4)]
    assert run(resume="auto") == expected
