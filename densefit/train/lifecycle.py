"""What falls between updates: a validation, a checkpoint, the way back to one."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from densefit.callbacks.callback import Control
from densefit.checkpoint.training.saver import Saver
from densefit.checkpoint.training.session import Session
from densefit.errors import CheckpointError, TrainingDiverged
from densefit.metrics.core.derived import Derived, with_derived
from densefit.train.nonfinite import Guard
from densefit.train.signals import Signals, TrainingInterrupted

_log = logging.getLogger("densefit")


class Milestones:
    """Validates, saves and goes back for a training, and tells its callbacks.

    Args:
        session: the training.
        scorer: a Scorer or MixtureScorer of the validation; None for none.
        derived: numbers made of its scores, by name.
        saver: of checkpoints; None for none.
        guard: what happens when something is not finite.

    Attributes:
        control: what callbacks ask for.
        signals: SIGINT and SIGTERM.
    """

    def __init__(
        self,
        session: Session,
        scorer: Any,
        derived: Mapping[str, Derived],
        saver: Saver | None,
        guard: Guard,
    ) -> None:
        self.control, self.signals = Control(), Signals()
        self._session, self._scorer, self._derived = session, scorer, derived
        self._saver, self._guard = saver, guard
        self._started = time.perf_counter() - session.state.seconds
        self._epoch_started = self._started
        resumed = saver is not None and saver.newest is not None
        self._saved = session.state.update if resumed else None  # updates done at the last save

    def validate(self) -> None:
        """Score the validation data, unless they are scored at this update already.

        Raises:
            TrainingInterrupted: a signal came; the validation is given up.
            TrainingDiverged: a parameter is not finite.
        """
        state, control = self._session.state, self.control
        control.validation_requested = False
        if self._scorer is None or state.validated == state.update:
            return
        state.clock.start()
        self._session.learner.parameters.check_finite()
        try:
            scores = self._scorer.run(lambda: self.signals.received is not None)
            if scores is not None:
                scores = with_derived(scores, self._derived)
        except Exception:
            self._rescue()
            raise
        self.tick()
        state.clock.lap("validation")
        if scores is None:
            self.end_by_signal()
            return
        state.validation = self._session.history.last_validation = scores
        state.validated = state.update
        if self._session.rate is not None:
            self._session.rate.observe(scores)
        if self._saver is not None:
            self._saver.keep.observe(scores)
            if self._saver.keep.improves(scores):
                control.save_requested = True  # else the best would be gone by the next save
        for callback in self._session.callbacks:
            callback.validated(state, control)
        state.clock.lap("callback")

    def _rescue(self) -> None:
        """Write what was trained since the last checkpoint: the validation failed, not that.

        A resume makes the validation again.
        """
        if self._saver is None:
            return
        try:
            path = self.save()
            self.tell_written(wait=True)
        except Exception as error:
            _log.warning("The validation failed, and what was trained cannot be saved: %s", error)
            return
        _log.warning(
            'The validation failed; the training so far is saved in %s. With resume="auto" it goes '
            "on with the same validation",
            path,
        )

    def tell_end(self) -> None:
        """Tell what a training that has come to its end lacks."""
        if self._saver is not None:
            self._saver.keep.tell_end()

    def save(self) -> str | None:
        """Write a checkpoint; the path that it will have.

        Raises:
            CheckpointError: the disk refuses this one, or the one before.
            TrainingDiverged: a parameter is not finite.
        """
        state = self._session.state
        self.control.save_requested = False
        if self._saver is None:
            return None
        self.tell_written(wait=True)
        state.clock.start()
        self._session.learner.parameters.check_finite()  # the last good checkpoint stays
        self.tick()
        path = str(self._saver.save(self._session))
        self._saved = state.update
        state.clock.lap("checkpoint")
        self.tell_written()
        return path

    @property
    def is_saved(self) -> bool:
        """Whether there is a checkpoint of this very update, or no place for one."""
        return self._saver is None or self._saved == self._session.state.update

    @property
    def newest(self) -> str | None:
        """Path of the training's newest checkpoint."""
        known = None if self._saver is None else self._saver.newest
        return None if known is None else str(known)

    def tell_written(self, wait: bool = False) -> None:
        """Tell callbacks of a checkpoint once it is complete."""
        state = self._session.state
        path = None if self._saver is None else self._saver.written(wait)
        if path is None:
            return
        state.clock.lap("checkpoint")
        for callback in self._session.callbacks:
            callback.saved(state, self.control, str(path))
        state.clock.lap("callback")

    def end_by_signal(self) -> None:
        """Write a checkpoint and raise TrainingInterrupted."""
        path = self.save()
        self.tell_written(wait=True)
        raise TrainingInterrupted(self.signals.received or 0, path)

    def roll_back(self, error: TrainingDiverged) -> None:
        """Go back to the training's own newest checkpoint.

        Raises:
            TrainingDiverged: `error`, if there is none, or there were enough tries.
        """
        state, saver = self._session.state, self._saver
        if saver is None or state.rollbacks > self._guard.limit:
            raise error
        self.tell_written(wait=True)
        if saver.newest is None:
            raise error
        kept = state.refused, state.rollbacks
        try:
            saver.resume(saver.newest, self._session)
        except CheckpointError as damage:
            raise error from damage
        state.refused, state.rollbacks = kept
        self._saved = state.update
        for callback in self._session.callbacks:
            callback.rolled_back(state, self.control)

    def take_the_lead(self) -> None:
        """Write the checkpoint that the training was sent back to anew, if it was.

        Else "the newest one" were still on the way that was left, until the first save.
        """
        if self._saver is not None and self._saver.behind:
            self.save()

    def begin_epoch(self) -> None:
        """Count the epoch's seconds from here, behind those of before a resume."""
        self._epoch_started = time.perf_counter() - self._session.state.epoch_seconds

    def abandon(self) -> None:
        """End what is being written, when the training has failed already."""
        if self._saver is not None:
            self._saver.abandon()

    def tick(self) -> None:
        """Bring the state's seconds up to date."""
        now = time.perf_counter()
        state = self._session.state
        state.seconds, state.epoch_seconds = now - self._started, now - self._epoch_started
