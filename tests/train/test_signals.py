"""Real training processes that are told to stop, or killed, and go on."""

import json
import os
import signal
import sys
import time

import numpy as np
import pytest

import densefit as df
from densefit.checkpoint.storage import store
from densefit.train.signals import Signals, TrainingInterrupted
from tests import forked

SCRIPT = """
import signal
import sys
import time
import numpy as np
import densefit as df
from densefit.callbacks import JSONLines
from densefit.model.backbones import Backbone
from densefit.model.layers import conv_bn
from densefit.train.signals import TrainingInterrupted

signal.alarm(300)  # its end, should a test fail before it
folder, pause, paused_from, slow_at = sys.argv[1], *map(float, sys.argv[2:])
done = 0

class Small(Backbone):
    name = "small"

    def maps(self, x, output_stride):
        maps = {}
        for stride in (4, 8, 16, 32):
            x = conv_bn(x, f"small_{stride}", 4, stride=4 if stride == 4 else 2)
            maps[stride] = (x, 4)
        return maps

class Slow(df.Callback):
    def fit_started(self, state, control):
        self.epoch_started(state, control)

    def epoch_started(self, state, control):
        global done
        done = state.update

    def update_ended(self, state, control):
        self.epoch_started(state, control)
        print(state.update, flush=True)
        if state.update >= paused_from:
            time.sleep(pause)

    def saved(self, state, control, path):
        print("saved", int(path[-8:]), flush=True)

class Held(df.Loader):
    # Batches that take their time in one of the validations.
    def __next__(self):
        batch = super().__next__()
        if done == slow_at:
            print("validating", done, flush=True)
            time.sleep(0.3)
        return batch

data = df.dataset("shapes", length=12, size=(32, 32))
network = df.Network(Small(), [df.head("classification", classes=data.label_classes,
    dropout=0.2)])
try:
    df.fit(network, df.Loader(data, batch_size=2, heads=network.heads, shuffle=True),
        validation=Held(data, batch_size=1, workers=0), validate_every="4st", epochs=3,
        schedule=df.Cosine(0.05, warmup="2st"),
        optimizer="adam", checkpoint=df.Saver(folder + "/checkpoints", every="4st"),
        resume="auto", callbacks=[JSONLines(folder + "/log.jsonl", every=1), Slow()])
except TrainingInterrupted as interruption:
    print(interruption, flush=True)
    sys.exit(128 + interruption.signum)
"""
UPDATES = 18


def start(folder, pause=0.0, paused_from=0, slow_at=-1):
    """Start a training that waits some seconds after each update from one on."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return forked.Popen(
        [sys.executable, "-c", SCRIPT, *map(str, (folder, pause, paused_from, slow_at))],
        stdout=forked.PIPE, stderr=forked.PIPE, text=True, env=environment,
    )  # fmt: skip


def wait_for(process, update):
    """Read what the process says until it comes to `update`; the last update that it has saved."""
    saved = 0
    for line in process.stdout:
        saved = int(line.split()[1]) if line.startswith("saved") else saved
        if line.strip() == str(update):
            return saved
    raise AssertionError(process.stderr.read())


def finish(folder):
    process = start(folder)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


def outcome(folder):
    """(arrays, lines without wall-clock times)."""
    parts, _ = store.read(folder / "checkpoints" / "last")
    arrays = {f"{part}/{name}": array for part in parts for name, array in parts[part].items()}
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return arrays, [{k: v for k, v in line.items() if k != "seconds"} for line in lines]


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("straight")
    finish(folder)
    return outcome(folder)


def same(folder, straight):
    arrays, lines = outcome(folder)
    assert set(arrays) == set(straight[0])
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, straight[0][name], err_msg=name)
    assert lines == straight[1]


@pytest.mark.parametrize(("signum", "at"), [(signal.SIGTERM, 7), (signal.SIGINT, 12)])
def test_a_signal_finishes_the_update_and_saves(tmp_path, straight, signum, at):
    process = start(tmp_path, 0.2, at)
    wait_for(process, at)
    process.send_signal(signum)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 128 + signum, err
    assert f"ended by {signum.name}; saved " in out
    _, content = store.read(tmp_path / "checkpoints" / "last")
    assert at <= content["update"] <= at + 1
    finish(tmp_path)
    same(tmp_path, straight)


def test_killed_at_any_moment_it_loses_at_most_what_came_after_the_last_save(tmp_path, straight):
    rng = np.random.default_rng(0)
    for at in (5, 10):
        process = start(tmp_path, 0.02)
        saved = wait_for(process, at)
        time.sleep(rng.uniform(0, 0.1))
        process.kill()
        process.wait()
        rest = [line for line in process.stdout if line.startswith("saved")]
        saved = int(rest[-1].split()[1]) if rest else saved
        path = store.resolve("auto", tmp_path / "checkpoints")
        assert (0 if path is None else store.read(path)[1]["update"]) >= saved
    finish(tmp_path)
    same(tmp_path, straight)


def test_a_second_signal_ends_at_once(tmp_path, straight):
    process = start(tmp_path, 200.0)
    wait_for(process, 1)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert process.poll() is None  # still in its first update's callback
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=100) == -signal.SIGTERM
    finish(tmp_path)
    same(tmp_path, straight)


@pytest.mark.parametrize(("at", "pending"), [(4, "validation"), (12, "validation"), (18, "epoch")])
def test_a_signal_gives_up_a_validation_which_the_resume_makes(tmp_path, straight, at, pending):
    """A validation may take longer than what a cluster grants between SIGTERM and SIGKILL."""
    process = start(tmp_path, slow_at=at)
    wait_for(process, f"validating {at}")
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGTERM, err
    assert out.count("validating") < 8  # of 11 more batches
    _, content = store.read(tmp_path / "checkpoints" / "last")
    assert (content["update"], content["validated"] < at) == (at, True)
    assert content["pending"] == pending
    finish(tmp_path)
    same(tmp_path, straight)
    _, content = store.read(tmp_path / "checkpoints" / "last")
    assert [record["epoch"] for record in content["epochs"]] == [0, 1, 2]
    assert all(record["seconds"] > 0 for record in content["epochs"])
    assert content["validated"] == 18


def test_handlers_are_put_back_and_ignored_signals_stay_ignored():
    before = signal.getsignal(signal.SIGTERM)
    ignored = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Signals() as signals:
            assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
            signal.raise_signal(signal.SIGTERM)
            assert signals.received == signal.SIGTERM
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) == before
    finally:
        signal.signal(signal.SIGINT, ignored)


def test_a_signal_that_comes_when_all_is_done_is_not_lost(tiny, tmp_path):
    def last(state, control):
        if state.epoch == 1:
            signal.raise_signal(signal.SIGTERM)

    network = tiny.network()
    with pytest.raises(TrainingInterrupted, match="saved .*update-00000004") as caught:
        df.fit(
            network, tiny.loader(network, 8, 4, workers=0), epochs=2, checkpoint=tmp_path,
            callbacks=[tiny.Recorder("epoch_ended", last)],
        )  # fmt: skip
    assert caught.value.signum == signal.SIGTERM
    assert store.read(tmp_path / "last")[1]["epoch"] == 2


def test_who_fails_at_the_end_hides_no_signal_and_keeps_nobody_from_it(tiny, tmp_path, caplog):
    class Fails(df.Callback):
        def fit_ended(self, state, error):
            raise OSError("the disk is full")

    def now(state, control):
        signal.raise_signal(signal.SIGINT)

    log = tiny.Log()
    network = tiny.network()
    callbacks = [Fails(), log, tiny.Recorder("update_ended", now)]
    with pytest.raises(TrainingInterrupted):
        df.fit(network, tiny.loader(network, 8, 4, workers=0), epochs=2, callbacks=callbacks)
    assert log.events[-1] == "TrainingInterrupted"
    assert "the disk is full" in caplog.text
    log = tiny.Log()
    with pytest.raises(OSError, match="the disk is full"):
        df.fit(network, tiny.loader(network, 8, 4, workers=0), epochs=1, callbacks=[Fails(), log])
    assert log.events[-1] == "done"
