"""Validation during training: scores, and their observers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from densefit.callbacks.callback import Control
from densefit.checkpoint.training.policy import Keep
from densefit.checkpoint.training.session import Session
from densefit.metrics.core.derived import Derived, with_derived
from densefit.train.checkpointer import Checkpointer
from densefit.train.ranks import Ranks
from densefit.train.signals import Signals
from densefit.train.validation_losses import ValidationLosses


class Validator:
    """Score the validation data, and pass scores to schedule, checkpoint policy and callbacks.

    Args:
        session: the training.
        scorer: a Scorer or MultiScorer of the validation; None for none.
        derived: derived scores by name.
        keep: retention policy of checkpoints; None without checkpoints.
        checkpointer: saves the training if a validation fails or is interrupted.
        control: requests of callbacks.
        signals: SIGINT and SIGTERM.
        ranks: the ranks of the training.
        losses: computes losses on validation data; None for none.
    """

    def __init__(
        self,
        session: Session,
        scorer: Any,
        derived: Mapping[str, Derived],
        keep: Keep | None,
        checkpointer: Checkpointer,
        control: Control,
        signals: Signals,
        ranks: Ranks,
        losses: ValidationLosses | None = None,
    ) -> None:
        self._ranks, self._losses = ranks, losses
        self._session, self._scorer, self._derived = session, scorer, derived
        self._keep, self._checkpointer = keep, checkpointer
        self._control, self._signals = control, signals

    def validate(self) -> None:
        """Score the validation data, unless this update was already validated.

        Raises:
            TrainingInterrupted: a signal came; the validation is abandoned.
            TrainingDiverged: a parameter is not finite.
        """
        state = self._session.state
        self._control.validation_requested = False
        if self._scorer is None or state.validated == state.update:
            return
        self._ranks.mean_statistics()
        with state.clock("validation"):
            scores = self._score()
            state.tick()
        if scores is None:
            self._ranks.share_requests("an interrupted validation")
            self._checkpointer.interrupt()
            return
        state.validation = self._session.history.last_validation = scores
        state.validated = state.update
        if self._session.rate is not None:
            self._session.rate.observe(scores)
        if self._keep is not None:
            self._keep.observe(scores)
            if self._keep.improves(scores):
                self._control.save_requested = True  # saves the best weights before the next update
        with state.clock("callback"):
            for callback in self._session.callbacks:
                callback.validated(state, self._control)
        self._ranks.share_requests("the end of a validation")

    def _score(self) -> dict[str, float] | None:
        """Return scores and derived scores; None if a signal came meanwhile."""
        self._session.learner.parameters.check_finite()
        try:
            scores = self._scorer.run(self._is_given_up)
            if scores is not None and self._losses is not None:
                scores = self._with_losses(scores, self._losses)
            return None if scores is None else with_derived(scores, self._derived)
        except Exception:
            self._checkpointer.rescue()
            raise

    def _with_losses(
        self, scores: dict[str, float], losses: ValidationLosses
    ) -> dict[str, float] | None:
        """Add the losses to the scores, and note how long they took; None if a signal came."""
        before = time.perf_counter()
        values = losses.run(self._is_given_up)
        self._session.state.losses_seconds = time.perf_counter() - before
        if values is None:
            return None
        return {**scores, **{key: values[key] for key in values if key not in scores}}

    def _is_given_up(self) -> bool:
        return self._signals.received is not None
