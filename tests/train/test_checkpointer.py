"""Checkpoints of a training: written, announced, gone back to."""

import signal

import pytest

import densefit as df
from densefit.callbacks.callback import Control, TrainState
from densefit.checkpoint.training.session import Session
from densefit.errors import TrainingDiverged
from densefit.train.checkpointer import Checkpointer
from densefit.train.nonfinite import Guard
from densefit.train.signals import Signals, TrainingInterrupted


def checkpointer(signals=None):
    session = Session(None, TrainState(None), None)
    return Checkpointer(session, None, Guard(), Control(), signals or Signals())


def test_without_a_directory_nothing_is_written():
    empty = checkpointer()
    assert empty.save() is None
    assert empty.is_saved
    empty.announce(wait=True)
    empty.save_if_behind()
    empty.finish()
    with pytest.raises(TrainingDiverged, match="no loss"):
        empty.roll_back(TrainingDiverged("no loss"))
    signals = Signals()
    signals.received = signal.SIGINT
    with pytest.raises(TrainingInterrupted, match="SIGINT; nothing was saved"):
        checkpointer(signals=signals).interrupt()


def test_each_checkpoint_is_announced(tiny, tmp_path):
    """In the background or not; the last one after its update and, complete, at the end."""
    for background in (True, False):
        seen = tiny.Recorder("saved", lambda state, control, path: path)
        folder = tmp_path / str(background)
        df.fit(
            tiny.two_heads(), tiny.iterator(8, 4), heads=tiny.routes(), updates=4,
            callbacks=[seen], checkpoint=df.Saver(folder, every="1st", background=background),
        )  # fmt: skip
        assert [path.rpartition("-")[2] for path in seen.seen] == [
            f"{number:08}" for number in (1, 2, 3, 4, 4)
        ]


def test_seconds_of_an_epoch_are_its_own_beside_checkpoints(tiny, tmp_path):
    class Slow(df.Callback):
        """Lets the first epoch take a thousand seconds an update."""

        def update_ended(self, state, control):
            if state.epoch == 0:
                state.clock._elapsed -= 1000.0

    history = df.fit(
        tiny.two_heads(), tiny.iterator(8, 4), heads=tiny.routes(), epochs=3,
        callbacks=[Slow()], checkpoint=tmp_path,
    )  # fmt: skip
    first, *others = (record["seconds"] for record in history.epochs)
    assert first > 1000
    assert all(seconds < 1000 for seconds in others)
