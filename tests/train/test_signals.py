"""Real training processes that are told to stop, or killed, and go on."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from densefit.checkpoint import store
from densefit.train.signals import Signals

SCRIPT = """
import sys
import numpy as np
import densefit as df
from densefit.backend import mx
from densefit.callbacks import JSONLines
from densefit.train.signals import TrainingInterrupted

folder, pause = sys.argv[1], float(sys.argv[2])

class Slow(df.Callback):
    def update_ended(self, state, control):
        import time
        print(state.update, flush=True)
        time.sleep(pause)

data = df.dataset("shapes", length=12, size=(32, 32))
network = df.Network("resnet18", [df.head("classification", classes=data.label_classes,
    dropout=0.2)], settings={"width": 4})
try:
    df.fit(network, df.Loader(data, batch_size=2, heads=network.heads, shuffle=True),
        validation=df.Loader(data, batch_size=4), epochs=3, schedule=df.Cosine(0.05, warmup="2st"),
        optimizer="adam", checkpoint=df.Saver(folder + "/checkpoints", every="4st"),
        resume="auto", callbacks=[JSONLines(folder + "/log.jsonl", every=1), Slow()])
except TrainingInterrupted as interruption:
    print(interruption, flush=True)
    sys.exit(128 + interruption.signum)
"""
UPDATES = 18


def start(folder, pause=0.0):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder), str(pause)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


def wait_for(process, update):
    for line in process.stdout:
        if line.strip() == str(update):
            return
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
    process = start(tmp_path, 0.2)
    wait_for(process, at)
    process.send_signal(signum)
    out, err = process.communicate(timeout=60)
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
        wait_for(process, at)
        time.sleep(rng.uniform(0, 0.1))
        process.kill()
        process.wait()
        _, content = store.read(store.resolve("auto", tmp_path / "checkpoints"))
        assert content["update"] >= at - at % 4
    finish(tmp_path)
    same(tmp_path, straight)


def test_a_second_signal_ends_at_once(tmp_path, straight):
    process = start(tmp_path, 30.0)
    wait_for(process, 1)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert process.poll() is None  # still in its first update's callback
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == -signal.SIGTERM
    assert time.monotonic() - begun < 5
    finish(tmp_path)
    same(tmp_path, straight)


def test_handlers_are_put_back_and_ignored_signals_stay_ignored():
    before = signal.getsignal(signal.SIGTERM)
    ignored = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Signals() as signals:
            assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
            os.kill(os.getpid(), signal.SIGTERM)
            assert signals.received == signal.SIGTERM
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) == before
    finally:
        signal.signal(signal.SIGINT, ignored)
