import io
import sys

import pytest

import densefit as df
from densefit.callbacks import Control, Progress, TrainState
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
        "epoch 1/2, update 4/20: det loss 2.346, seg loss 0.5, 0:16 left, 8 samples/s, rate 0.01"
    )
    assert lines[2:4] == [
        "epoch 1/2, update 10/20 done in 0:10: det loss 2.346, seg loss 0.5",
        "  seg/mIoU    0.6123",
    ]
    # 11 updates took 111 seconds, validation included; 9 are left. The speed leaves it out.
    assert "1:31 left, 8 samples/s" in lines[4]
    assert lines[-1] == "epoch 2/2, update 20/20 done in 0:20: det loss 2.346, seg loss 0.5"
    assert len(lines) == 2 + 2 + 3 + 1
    assert not any("IoU/cat" in line for line in lines)


def test_objects_are_told_at_the_start_and_for_an_epoch_that_differs(monkeypatch):
    run = Run(io.StringIO(), monkeypatch, every=1000)
    run.state.objects = {"annotated": 40, "left": 30, "crowds": 0, "positives/det": 95}
    lines = run.run().splitlines()
    assert lines[0] == "after 8 samples: objects 30 of 40 (75 %), det 95 positives"
    assert lines[1].startswith("epoch 1/2, update 10/20 done in 0:10: det loss 2.346")
    assert lines[2] == "  objects 30 of 40 (75 %), det 95 positives"
    assert lines[4].startswith("epoch 2/2, ")
    assert len(lines) == 5


def test_numbers_are_read_only_to_be_shown(monkeypatch):
    run = Run(io.StringIO(), monkeypatch, every=1000)
    assert len(run.run().splitlines()) == 3
    assert run.reads == 2  # the ends of the epochs


def test_a_live_line_on_a_terminal(monkeypatch):
    text = Run(Terminal(), monkeypatch, refresh=1).run()
    assert "\x1b[" in text
    assert "━" in text
    live = "update 20/20, det loss 2.346, seg loss 0.5, 0:00 left, 8 samples/s, rate 0.01"
    assert live in text
    assert "done in 0:10: det loss 2.346, seg loss 0.5" in text
    assert text.rstrip().endswith("\x1b[?25h\r\x1b[1A\x1b[2K")  # the cursor is back, the line gone


def test_on_a_narrow_terminal_whole_numbers_are_left_out(monkeypatch):
    run = Run(Terminal(), monkeypatch, refresh=1)
    monkeypatch.setenv("COLUMNS", "60")
    text = run.run()
    assert "━" in text
    assert "update 20/20, 0:00 left, 8 samples/s\n" in text
    assert "…" not in text


def test_waiting_for_data_is_shown_early_where_it_is_much(monkeypatch):
    run = Run(io.StringIO(), monkeypatch, every=4)
    lines = run.run().splitlines()
    assert not any("waiting" in line for line in lines)
    for waited, place in (
        (0.5, "0:16 left, waiting for data 50 %"),
        (0.01, "waiting for data 1 %"),
    ):
        run = Run(io.StringIO(), monkeypatch, every=4)
        clock = run.state.clock
        read = run.read

        def charge(clock=clock, read=read, waited=waited):
            clock.seconds["data"] += waited
            clock.seconds["forward"] += 1 - waited
            return read()

        run.state.train = charge
        first = run.run().splitlines()[0]
        assert place in first
        assert first.endswith("waiting for data 1 %") == (waited < 0.1)


def test_an_early_stop_says_so_and_why(monkeypatch):
    run = Run(io.StringIO(), monkeypatch, every=1000)
    run.state.epochs, run.state.updates = 5, 50
    run.control.stop("it is late")
    assert run.run().splitlines()[-1] == "stopped early, after update 20 of 50: it is late"


def test_of_a_training_that_failed_before_its_first_update_no_line_stays(monkeypatch):
    for stream in (io.StringIO(), Terminal()):
        run = Run(stream, monkeypatch)
        run.callback.fit_started(run.state, run.control)
        run.callback.fit_ended(run.state, RuntimeError("no data"))
        text = run.stream.getvalue()
        assert text == "" or text.endswith("\x1b[2K")  # the line is removed
        assert "\n" not in text.strip() or "update 0" not in text.rpartition("\x1b[1A")[2]


def test_the_terminal_is_left_in_order_after_an_error(monkeypatch):
    stdout = sys.stdout
    run = Run(Terminal(), monkeypatch)
    run.callback.fit_started(run.state, run.control)
    run.callback.fit_ended(run.state, RuntimeError("diverged"))
    assert sys.stdout is stdout
    assert "\x1b[?25h" in run.stream.getvalue()


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
    assert captured.err == "validation after update 0:\n  seg/mIoU    0.6123\n"
    assert captured.out == ""


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_resume_says_from_which_update_it_goes_on(tiny, tmp_path, stream):
    def fit(text, **settings):
        network = tiny.network()
        data = tiny.loader(network, 8, 4, workers=0)
        own = [Progress(stream=text)]
        df.fit(network, data, checkpoint=tmp_path, resume="auto", callbacks=own, **settings)
        return text.getvalue()

    assert "continuing" not in fit(stream(), epochs=1)
    first = f"continuing at update 2 of 6 (epoch 2/3), from {tmp_path / 'update-00000002'}"
    text = fit(stream(), epochs=3)
    assert text.count(first) == 1
    assert text.index(first) < text.index("epoch 2/3, update 4/6")


def test_wrong_settings():
    with pytest.raises(ConfigError, match="refresh=-1"):
        Progress(refresh=-1)


def test_a_finished_training_is_already_done(tiny, tmp_path):
    network = tiny.network()
    text = io.StringIO()
    for _ in range(2):
        data = tiny.loader(network, 8, 4, workers=0)
        own = [Progress(stream=text)]
        df.fit(network, data, checkpoint=tmp_path, resume="auto", callbacks=own, epochs=1)
    done = f"already done: update 2 of 2, {tmp_path / 'update-00000002'}"
    assert text.getvalue().splitlines()[-1] == done


def test_the_best_score_is_known_after_a_resume(monkeypatch):
    first = Progress(stream=io.StringIO())
    state = TrainState(None, validation={"a/AP": 0.5}, directions={"a/AP": True})
    first.validated(state, Control())
    again = Progress(stream=io.StringIO())
    again.load_state_dict(first.state_dict())
    state.validation = {"a/AP": 0.4}
    again.validated(state, Control())
    line = again._stream.getvalue().splitlines()[1]
    assert line == "  a/AP    0.4000  -0.1000 since the last  -0.1000 to the best, 0.5000"


def test_scores_that_are_not_defined_are_left_out(capsys):
    scores = {"det/AP": 0.5, "det/APl": float("nan")}
    Progress().validated(TrainState(None, validation=scores), Control())
    assert capsys.readouterr().err == "validation after update 0:\n  det/AP    0.5000\n"
