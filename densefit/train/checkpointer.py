"""Checkpoints of a training: written, announced, and gone back to."""

from __future__ import annotations

import logging

from densefit.callbacks.callback import Control
from densefit.checkpoint.training.saver import Saver
from densefit.checkpoint.training.session import Session
from densefit.errors import CheckpointError, TrainingDiverged
from densefit.train.nonfinite import Guard
from densefit.train.signals import Signals, TrainingInterrupted

_log = logging.getLogger("densefit")


class Checkpointer:
    """Saves a training, goes back to what was saved, and tells the callbacks.

    Args:
        session: the training, as a resume has left it.
        saver: of checkpoints; None for none.
        guard: what happens when something is not finite.
        control: what callbacks ask for.
        signals: SIGINT and SIGTERM.

    Attributes:
        is_announced: whether callbacks know of every checkpoint that was begun.
    """

    def __init__(
        self,
        session: Session,
        saver: Saver | None,
        guard: Guard,
        control: Control,
        signals: Signals,
    ) -> None:
        self._session, self._saver, self._guard = session, saver, guard
        self._control, self._signals = control, signals
        is_resumed = saver is not None and saver.newest is not None
        self._saved = session.state.update if is_resumed else None  # updates done at the last save
        self.is_announced = True

    @property
    def is_saved(self) -> bool:
        """Whether there is a checkpoint of this very update, or no directory for one."""
        return self._saver is None or self._saved == self._session.state.update

    def save(self) -> str | None:
        """Write a checkpoint; returns the path that it will have, None without a directory.

        Raises:
            CheckpointError: the disk refuses this one, or the one before.
            TrainingDiverged: a parameter is not finite.
        """
        state = self._session.state
        self._control.save_requested = False
        if self._saver is None:
            return None
        self.announce(wait=True)
        with state.clock("checkpoint"):
            self._session.learner.parameters.check_finite()  # the last good checkpoint stays
            state.tick()
            path = str(self._saver.save(self._session))
        self._saved, self.is_announced = state.update, False
        self.announce()
        return path

    def announce(self, wait: bool = False) -> None:
        """Tell callbacks of a checkpoint once it is complete.

        Args:
            wait: until it is.

        Raises:
            CheckpointError: it could not be written.
        """
        if self._saver is None or self.is_announced:
            return
        state = self._session.state
        with state.clock("checkpoint"):
            path = self._saver.written(wait)
        if path is None:
            return
        self.is_announced = True
        with state.clock("callback"):
            for callback in self._session.callbacks:
                callback.saved(state, self._control, str(path))

    def interrupt(self) -> None:
        """Write a checkpoint and raise TrainingInterrupted."""
        path = self.save()
        self.announce(wait=True)
        raise TrainingInterrupted(self._signals.received or 0, path)

    def rescue(self) -> None:
        """Write what was trained since the last checkpoint: a validation failed, not that.

        A resume validates again.
        """
        if self._saver is None:
            return
        try:
            path = self.save()
            self.announce(wait=True)
        except Exception as error:
            _log.warning("The validation failed, and what was trained cannot be saved: %s", error)
            return
        _log.warning(
            'The validation failed; the training so far is saved in %s. With resume="auto" it goes '
            "on with the same validation",
            path,
        )

    def roll_back(self, error: TrainingDiverged) -> None:
        """Go back to the training's own newest checkpoint.

        Raises:
            TrainingDiverged: `error`, if there is none, or there were enough tries.
        """
        state, saver = self._session.state, self._saver
        if saver is None or state.rollbacks > self._guard.limit:
            raise error
        self.announce(wait=True)
        if saver.newest is None:
            raise error
        state.tick()
        counted = state.refused, state.rollbacks, state.seconds
        try:
            saver.resume(saver.newest, self._session)
        except CheckpointError as damage:
            raise error from damage
        state.refused, state.rollbacks, state.seconds = counted
        self._saved = state.update
        for callback in self._session.callbacks:
            callback.rolled_back(state, self._control)

    def save_if_behind(self) -> None:
        """After a resume from an older checkpoint, save again.

        Else "the newest one" were still on the way that was left, until the first save.
        """
        if self._saver is not None and self._saver.behind:
            self.save()

    def finish(self) -> None:
        """Wait for the last checkpoint; warn of what a training that is complete lacks.

        Raises:
            TrainingInterrupted: a signal came when all was done.
        """
        self.announce(wait=True)
        if self._saver is not None:
            self._saver.keep.tell_end()
        if self._signals.received is not None:
            newest = None if self._saver is None else self._saver.newest
            raise TrainingInterrupted(
                self._signals.received, None if newest is None else str(newest)
            )

    def abandon(self) -> None:
        """End what is being written, when the training has failed already."""
        if self._saver is not None:
            self._saver.abandon()
