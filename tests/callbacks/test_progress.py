import io
import sys

import pytest

import densefit as df
from densefit.callbacks import Control, Progress, TrainState
from densefit.callbacks.progress import Speed, duration, main_numbers
from densefit.errors import ConfigError

TRAIN = {"det/loss": 2.34567, "seg/loss": 0.5, "seg/IoU/cat": 0.25}
SCORES = {"seg/mIoU": 0.61234, "seg/IoU/cat": 0.75}


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Run:
    """Two epochs of 10 updates, a second an update; the first epoch is validated for 100 s."""

    def __init__(self, stream, monkeypatch, epochs=2, **settings):
        self.now, self.reads = 1000.0, 0
        self.stream = stream
        self.callback = Progress(stream=stream, clock=lambda: self.now, **settings)
        self.state = TrainState(None, epochs=epochs, updates=20, lr=0.01, train=self.read)
        self.control = Control()
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setenv("TERM", "xterm")

    def read(self):
        self.reads += 1
        return dict(TRAIN)

    def run(self, error=None):
        state, control = self.state, self.control
        self.callback.fit_started(state, control)
        for epoch in range(2):
            state.epoch, state.batch, state.samples = epoch, 0, 0
            self.callback.epoch_started(state, control)
            for _ in range(10):
                self.now += 1
                state.update += 1
                state.samples += 8
                state.seconds += 1
                self.callback.update_ended(state, control)
            self.callback.epoch_ended(state, control)
            if epoch == 0:
                self.now += 100
                state.validation = SCORES
                self.callback.validated(state, control)
        self.callback.fit_ended(state, error)
        return self.stream.getvalue()


def test_lines_in_a_pipe(monkeypatch):
    lines = Run(io.StringIO(), monkeypatch, every=4).run().splitlines()
    assert lines[0] == (
        "epoch 1/2, update 4/20: det/loss 2.346, seg/loss 0.5, lr 0.01, 8 samples/s, 0:16 left"
    )
    assert lines[2] == (
        "epoch 1/2, update 10/20 done in 0:10: det/loss 2.346, seg/loss 0.5; "
        "validation: seg/mIoU 0.6123"
    )
    # 11 updates took 111 seconds, validation included; 9 are left. The speed leaves it out.
    assert lines[3].endswith("8 samples/s, 1:31 left")
    assert lines[-1] == "epoch 2/2, update 20/20 done in 0:20: det/loss 2.346, seg/loss 0.5"
    assert len(lines) == 2 + 1 + 3 + 1
    assert not any("IoU/cat" in line for line in lines)


def test_objects_are_told_at_the_start_and_for_each_epoch(monkeypatch):
    run = Run(io.StringIO(), monkeypatch, every=1000)
    run.state.objects = {"annotated": 40, "left": 30, "crowds": 0, "positives/det": 95}
    lines = run.run().splitlines()
    assert lines[0] == "after 8 samples: objects 30 of 40 (75 %), det 95 positives"
    assert lines[1].startswith("epoch 1/2, update 10/20 done in 0:10: det/loss 2.346")
    assert "; objects 30 of 40 (75 %), det 95 positives; validation" in lines[1]
    assert len(lines) == 3


def test_numbers_are_read_only_to_be_shown(monkeypatch):
    run = Run(io.StringIO(), monkeypatch, every=1000)
    assert len(run.run().splitlines()) == 2
    assert run.reads == 2  # the ends of the epochs


def test_a_bar_on_a_terminal(monkeypatch):
    text = Run(Terminal(), monkeypatch, refresh=1).run()
    assert "\x1b[" in text
    assert "━" in text
    assert "0:00 left, 8 samples/s, lr 0.01, det/loss 2.346, seg/loss 0.5" in text
    assert "done in 0:10: det/loss 2.346, seg/loss 0.5; validation: seg/mIoU 0.6123" in text
    assert text.rstrip().endswith("\x1b[?25h")  # the cursor is back


def test_the_bar_stays_when_there_is_little_room(monkeypatch):
    run = Run(Terminal(), monkeypatch, refresh=1)
    monkeypatch.setenv("COLUMNS", "60")
    text = run.run()
    assert "━" in text
    assert "…" in text


def test_the_terminal_is_left_in_order_after_an_error(monkeypatch):
    stdout = sys.stdout
    run = Run(Terminal(), monkeypatch)
    run.callback.fit_started(run.state, run.control)
    run.callback.fit_ended(run.state, RuntimeError("diverged"))
    assert sys.stdout is stdout
    assert run.stream.getvalue().rstrip().endswith("\x1b[?25h")


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_an_unknown_length(monkeypatch, stream):
    run = Run(stream(), monkeypatch, epochs=None, every=4, refresh=1)
    run.state.updates = None
    text = run.run()
    assert "? left" in text
    assert "epoch 2, update 20 done" in text


def test_a_resumed_run_measures_its_own_pace(monkeypatch):
    run = Run(io.StringIO(), monkeypatch, every=4)
    run.state.update, run.state.updates, run.state.seconds = 100, 120, 5000.0
    assert "update 104/120" in run.run().splitlines()[0]
    assert "0:16 left" in run.stream.getvalue().splitlines()[0]


def test_it_writes_to_standard_error(monkeypatch, capsys):
    callback = Progress(every=0)
    callback.fit_started(TrainState(None), Control())
    callback.validated(TrainState(None, validation=SCORES), Control())
    callback.fit_ended(TrainState(None), None)
    captured = capsys.readouterr()
    assert captured.err == "epoch 1, update 0; validation: seg/mIoU 0.6123\n"
    assert captured.out == ""


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_resume_says_from_which_update_it_goes_on(tiny, tmp_path, stream):
    def fit(text, **settings):
        network = tiny.network()
        data = tiny.loader(network, 8, 4, workers=0)
        own = [Progress(stream=text)]
        df.fit(network, data, checkpoint=tmp_path, resume="auto", callbacks=own, **settings)
        return text.getvalue()

    assert "goes on" not in fit(stream(), epochs=1)
    first = f"goes on from {tmp_path / 'update-00000002'}: epoch 2/3, update 2/6"
    text = fit(stream(), epochs=3)
    assert text.count(first) == 1
    assert text.index(first) < text.index("epoch 2/3, update 4/6")


def test_wrong_settings():
    with pytest.raises(ConfigError, match="refresh=-1"):
        Progress(refresh=-1)


def test_parts():
    assert main_numbers({}) == ""
    assert main_numbers({"loss": 1.0, "a/b": float("nan"), "a/b/c/d": 1.0}) == "loss 1, a/b nan"
    numbers = {"cells/boxes/AP": 0.5, "boxes/AP/cat": 0.5}
    assert main_numbers(numbers, ["boxes"]) == "cells/boxes/AP 0.5"
    assert [duration(s) for s in (0, 59.4, 60, 3599.6)] == ["0:00", "0:59", "1:00", "1:00:00"]
    speed = Speed()
    speed.start(0, 10.0)
    assert speed.read(16, 12.0) == 8
    assert speed.read(32, 13.0) == 16  # since the last reading
    assert speed.read(32, 13.0) != speed.read(32, 13.0)  # nan: no time has passed


def test_scores_that_are_not_defined_are_left_out(capsys):
    scores = {"det/AP": 0.5, "det/APl": float("nan")}
    Progress().validated(TrainState(None, validation=scores), Control())
    assert capsys.readouterr().err == "epoch 1, update 0; validation: det/AP 0.5\n"
