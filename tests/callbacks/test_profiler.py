"""Where the time goes is where it went."""

import io
import time

import pytest

import densefit as df
from densefit.callbacks import ProfileLine, Profiler
from densefit.callbacks.clock import PHASES, Clock
from densefit.metrics import MAE


class Sleepy(df.Callback):
    """Takes its time in one place."""

    def __init__(self, seconds):
        self.seconds = seconds

    def update_ended(self, state, control):
        time.sleep(self.seconds)


class SlowMetric(MAE):
    def update(self, predictions, targets, ids):
        time.sleep(0.02)
        super().update(predictions, targets, ids)


def train(tiny, profiler, tmp_path=None, **settings):
    settings = {"data": tiny.iterator(16, 4), "heads": tiny.routes(), "also": (), **settings}
    callbacks = [profiler, *settings.pop("also")]
    return df.fit(
        tiny.two_heads(), settings.pop("data"), epochs=2, callbacks=callbacks, checkpoint=tmp_path,
        **settings,
    )  # fmt: skip


def test_a_clock_charges_each_moment_once():
    now = iter([0.0, 1.0, 3.0, 3.5, 10.0, 10.5, 20.0, 21.0])
    clock = Clock(lambda: next(now))
    with clock("forward"):
        with clock("copy"):  # from 3.0 to 3.5
            pass
    with pytest.raises(OSError, match="gone"), clock("data"):  # from 10.5 to 20
        raise OSError("gone")
    assert clock.elapsed() == 21.0
    assert {phase: seconds for phase, seconds in clock.seconds.items() if seconds} == {
        "forward": 2.0 + 6.5, "copy": 0.5, "data": 9.5,
    }  # fmt: skip
    assert set(clock.seconds) == set(PHASES)
    with pytest.raises(KeyError):
        clock("coffee")


def test_what_is_slow_is_charged(tiny):
    """Eight updates; one thing at a time takes 0.02 seconds of each."""

    def slow(iterator):
        time.sleep(0.02)
        return iterator.next()

    heads = {**tiny.routes(), "size": df.Route(["size"], ["size_label"], [SlowMetric()])}
    train(tiny, Profiler(stream=io.StringIO()))  # what a process does once is no part of a training
    found = {}
    for name, settings in {
        "data": {"data": tiny.Changed(tiny.iterator(16, 4), slow)},
        "callback": {"also": [Sleepy(0.02)]},
        "metric": {"heads": heads},
    }.items():
        found[name] = Profiler(stream=io.StringIO())
        train(tiny, found[name], **settings)
    for name, profiler in found.items():
        assert profiler.updates == 8
        assert 0.16 <= profiler.seconds[name] < 0.6
        others = [profiler.seconds[other] for other in ("data", "callback", "metric")]
        assert sorted(others)[-1] == profiler.seconds[name] > 2 * sorted(others)[-2]


def test_the_sum_is_the_whole(tiny, tmp_path):
    train(tiny, Profiler(stream=io.StringIO()))  # what a process does once is no part of a training
    for exact in (False, True):
        profiler = Profiler(exact, stream=io.StringIO())
        begun = time.perf_counter()
        settings = {"validation": tiny.iterator(8, 4), "also": [Sleepy(0.05)]}
        train(tiny, profiler, tmp_path / str(exact), **settings)
        whole = time.perf_counter() - begun
        assert 0.6 * whole < sum(profiler.seconds.values()) <= whole
        assert profiler.seconds["validation"] > 0
        assert profiler.seconds["checkpoint"] > 0


def test_what_is_printed(tiny):
    table, line = io.StringIO(), io.StringIO()
    train(tiny, Profiler(stream=table), also=[ProfileLine(stream=line)])
    for phase in PHASES:
        assert f" {phase} " in table.getvalue()
    assert "Time of 8 updates (" in table.getvalue()
    text = line.getvalue()
    assert text.startswith("time: 8 updates of ")
    assert text.count("\n") == 1
    shares = [float(part.split()[-2]) for part in text.split("; ")[1].split(", ")]
    assert sum(shares) == pytest.approx(100, abs=0.5)


def test_a_training_that_fails_is_profiled_too(tiny):
    stream = io.StringIO()
    with pytest.raises(OSError, match="the disk is gone"):
        train(tiny, ProfileLine(stream=stream), data=tiny.broken(tiny.iterator(16, 4), 3))
    assert "2 updates" in stream.getvalue()
