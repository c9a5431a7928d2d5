"""Length of a training, which some iterators reveal only at the end of an epoch."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from densefit.callbacks.callback import TrainState

_log = logging.getLogger("densefit")

_ENDLESS = 10_000  # updates without an end of the first epoch, after which a warning comes


class LengthAware(Protocol):
    """Something that depends on the length of an epoch or of the training."""

    def set_length(self, total: int, updates_per_epoch: int) -> None:
        """Resolve durations by these lengths, in updates."""


class TrainingLength:
    """Pass the length of a training to its dependents as soon as it is known.

    Args:
        state: state of the training, with the planned `epochs` or `updates`.
        total_of: updates per epoch -> updates of the training.
        dependents: objects that depend on the lengths.
    """

    def __init__(
        self,
        state: TrainState,
        total_of: Callable[[int], int | None],
        dependents: Sequence[LengthAware] = (),
    ) -> None:
        self._state, self._total_of, self._dependents = state, total_of, list(dependents)
        self._warn_at = _ENDLESS

    def end_epoch(self) -> None:
        """Set the length at the end of the first epoch."""
        state = self._state
        if state.updates_per_epoch is None and state.batch > 0:
            self._fix(state.batch)
            _log.info(
                "An epoch has %d updates, and the training %s",
                state.updates_per_epoch,
                state.updates,
            )

    def resume(self) -> None:
        """Set the lengths from a checkpoint, if it has them."""
        state = self._state
        if state.updates_per_epoch is not None:
            self._fix(state.updates_per_epoch)

    def warn_if_endless(self) -> None:
        """Warn when the first epoch does not seem to end."""
        state = self._state
        if state.updates_per_epoch is None and state.batch >= self._warn_at:
            self._warn_at *= 10
            _log.warning(
                "The first epoch has had %d updates, and the train data have not ended. If they "
                "have no end, say how many updates an epoch is: fit(..., updates_per_epoch=...)",
                state.batch,
            )

    def _fix(self, updates_per_epoch: int) -> None:
        state = self._state
        state.updates_per_epoch = updates_per_epoch
        if state.updates is None:
            state.updates = self._total_of(updates_per_epoch)
        if state.updates is not None:
            for dependent in self._dependents:
                dependent.set_length(state.updates, updates_per_epoch)
