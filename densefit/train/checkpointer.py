"""Checkpoints of a training: saves, announcements and rollbacks."""

from __future__ import annotations

import logging

from densefit.callbacks.callback import Control
from densefit.checkpoint.training.saver import Saver
from densefit.checkpoint.training.session import Session
from densefit.distributed import World
from densefit.errors import CheckpointError, TrainingDiverged
from densefit.train.nonfinite import Guard
from densefit.train.ranks import Ranks
from densefit.train.signals import Signals, TrainingInterrupted

_log = logging.getLogger("densefit")


class Checkpointer:
    """Save a training, roll back to its checkpoints, and notify callbacks.

    Args:
        session: the training, after a resume.
        saver: saver of checkpoints; None for none.
        guard: reaction to values that are not finite.
        control: requests of callbacks.
        signals: SIGINT and SIGTERM.
        ranks: the ranks of the training, of which rank 0 writes; None for one.

    Attributes:
        is_announced: whether callbacks were notified of every checkpoint.
    """

    def __init__(
        self,
        session: Session,
        saver: Saver | None,
        guard: Guard,
        control: Control,
        signals: Signals,
        ranks: Ranks | None = None,
    ) -> None:
        self._ranks = ranks or Ranks(World(), session)
        self._session, self._saver, self._guard = session, saver, guard
        self._control, self._signals = control, signals
        is_resumed = saver is not None and saver.newest is not None
        self._saved = session.state.update if is_resumed else None  # updates done at the last save
        self.is_announced = True

    @property
    def is_saved(self) -> bool:
        """Return whether this update has a checkpoint, or there is no directory for one."""
        return self._saver is None or self._saved == self._session.state.update

    def save(self) -> str | None:
        """Write a checkpoint; returns its future path, None without a directory.

        Raises:
            CheckpointError: the disk refuses this checkpoint or the previous one.
            TrainingDiverged: a parameter is not finite.
        """
        state = self._session.state
        self._control.save_requested = False
        if self._saver is None:
            return None
        self.announce(wait=True)
        with state.clock("checkpoint"):
            self._ranks.mean_statistics()
            if state.batch or state.pending:
                self._ranks.gather_metrics()
            self._ranks.check_equal(f"the checkpoint of update {state.update}")
            self._session.learner.parameters.check_finite()  # the last good checkpoint stays
            state.tick()
            path = str(self._saver.save(self._session))
        self._saved, self.is_announced = state.update, False
        self.announce()
        # All ranks wait for the write, and for what callbacks request of rank 0.
        self._ranks.share_requests(f"the checkpoint of update {state.update}")
        return path

    def announce(self, wait: bool = False) -> None:
        """Notify callbacks of a checkpoint once it is complete.

        Args:
            wait: wait until it is complete.

        Raises:
            CheckpointError: the checkpoint could not be written.
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
        raise TrainingInterrupted(self._ranks.signal or self._signals.received or 0, path)

    def rescue(self) -> None:
        """Save the training after a failed validation; a resume validates again."""
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
        """Roll back to the newest checkpoint of this training.

        Raises:
            TrainingDiverged: `error`, if there is no checkpoint or the limit is reached.
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
        self._ranks.share_requests(f"the return to update {state.update}")

    def save_if_behind(self) -> None:
        """Save again after a resume from an older checkpoint.

        Otherwise the newest checkpoint would belong to the abandoned part of the training.
        """
        if self._saver is not None and self._saver.is_behind:
            self.save()

    def finish(self) -> None:
        """Wait for the last checkpoint; warn if there is no best one.

        Raises:
            TrainingInterrupted: a signal came after the last update.
        """
        self.announce(wait=True)
        if self._saver is not None:
            self._saver.keep.warn_at_end()
        self._ranks.share_requests("the end of the training")
        if self._ranks.signal is not None:
            newest = None if self._saver is None else self._saver.newest
            raise TrainingInterrupted(self._ranks.signal, None if newest is None else str(newest))

    def abandon(self) -> None:
        """Finish the current write after the training has failed."""
        if self._saver is not None:
            self._saver.abandon()
