"""How long a training is, which some iterators tell only by ending."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from densefit.callbacks.callback import TrainState

_log = logging.getLogger("densefit")

_ENDLESS = 10_000  # updates without an end of the first epoch, after which the user is told


class Learns(Protocol):
    """What goes by the length of an epoch or of the training."""

    def learn(self, total: int, updates_per_epoch: int) -> None:
        """Take in the lengths, in updates."""


class Horizon:
    """Lets the parts of a training know its length as soon as it is known.

    Args:
        state: of the training; its `epochs` or `updates` are the plan.
        total_of: updates an epoch -> updates of the whole training.
        learners: what goes by the lengths.
    """

    def __init__(
        self,
        state: TrainState,
        total_of: Callable[[int], int | None],
        learners: Sequence[Learns] = (),
    ) -> None:
        self._state, self._total_of, self._learners = state, total_of, list(learners)
        self._told = _ENDLESS

    def end_epoch(self) -> None:
        """Learn from the first epoch that has come to its end."""
        state = self._state
        if state.updates_per_epoch is None and state.batch > 0:
            self._fix(state.batch)
            _log.info(
                "An epoch has %d updates, and the training %s",
                state.updates_per_epoch,
                state.updates,
            )

    def resume(self) -> None:
        """Go on with lengths that a checkpoint has brought, if they were not known."""
        state = self._state
        if state.updates_per_epoch is not None:
            self._fix(state.updates_per_epoch)

    def look(self) -> None:
        """Tell the user when an epoch does not seem to end."""
        state = self._state
        if state.updates_per_epoch is None and state.batch >= self._told:
            self._told *= 10
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
            for learner in self._learners:
                learner.learn(state.updates, updates_per_epoch)
