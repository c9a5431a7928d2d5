"""The batches of an epoch, update by update."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from densefit.callbacks.callback import TrainState
from densefit.engine.batch_reader import Fed, Feeder
from densefit.engine.prefetcher import Early
from densefit.errors import DensefitError


class Updates:
    """Iterates over the updates of an epoch that are not done yet, as their micro-batches.

    No batch is read that is not trained on. The first micro-batch of an update is read when the
    update is asked for, the others when the step asks for them.

    Args:
        state: where the training stands.
        feeder: of the training data.
        reseed: seeds what the engine draws at random in an update, before its batches are read;
            None if nothing is random.
    """

    def __init__(
        self, state: TrainState, feeder: Feeder, reseed: Callable[[], None] | None = None
    ) -> None:
        self._state, self._reseed = state, reseed
        position = state.position if state.batch else None
        rest = feeder.batches(state.epoch, state.batch * state.accumulate, position)
        left = None if state.updates is None else state.updates - state.update
        self._batches = Early(feeder, rest, None if left is None else left * state.accumulate)
        #: Fetches the next batch, if that needs no waiting: while the device computes.
        self.prefetch = self._batches.fetch

    def __iter__(self) -> Iterator[Iterable[Fed]]:
        while True:
            if self._reseed is not None:
                self._reseed()
            micro_batches = self._micro_batches()
            try:
                first = next(micro_batches, None)
            except DensefitError as error:
                raise error.located(f"update {self._state.update + 1}") from error
            if first is None:
                return
            yield chain((first,), micro_batches)

    def _micro_batches(self) -> Iterator[Fed]:
        """The batches of one update, of which the last one of an epoch may have fewer."""
        for _ in range(self._state.accumulate):
            with self._state.clock("data"):
                batch = next(self._batches, None)
            if batch is None:
                return
            yield batch
