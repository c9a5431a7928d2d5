"""Checkpoints of a training: written, announced, gone back to."""

import pytest

import densefit as df
from densefit.callbacks.callback import Control, TrainState
from densefit.checkpoint.training.session import Session
from densefit.errors import TrainingDiverged
from densefit.train.checkpointer import Checkpointer
from densefit.train.nonfinite import Guard
from densefit.train.signals import Signals, TrainingInterrupted


def checkpointer(saver=None, state=None, guard=None):
    session = Session(None, state or TrainState(None), None)
    return Checkpointer(session, saver, guard or Guard(), Control(), Signals())


def test_without_a_directory_nothing_is_written():
    empty = checkpointer()
    assert empty.save() is None
    assert empty.is_saved
    empty.announce(wait=True)
    empty.save_if_behind()
    empty.finish()
    with pytest.raises(TrainingDiverged, match="no loss"):
        empty.roll_back(TrainingDiverged("no loss"))
    with pytest.raises(TrainingInterrupted, match="nothing was saved"):
        empty.interrupt()


def test_a_checkpoint_is_announced_once(tiny, tmp_path):
    """In the background or not, callbacks learn of each; the last one before the end."""
    for background in (True, False):
        seen = tiny.Recorder("saved", lambda state, control, path: path)
        folder = tmp_path / str(background)
        df.fit(
            tiny.two_heads(), tiny.iterator(8, 4), heads=tiny.routes(), updates=4,
            callbacks=[seen], checkpoint=df.Saver(folder, every="1st", background=background),
        )  # fmt: skip
        assert [path.rpartition("-")[2] for path in seen.seen] == [
            f"{number:08}" for number in (1, 2, 3, 4)
        ]
