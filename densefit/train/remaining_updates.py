"""Batches of an epoch's updates that are not done yet."""

from __future__ import annotations

from collections.abc import Callable

from densefit.callbacks.callback import TrainState
from densefit.engine.batch_reader import BatchReader
from densefit.engine.prefetcher import Prefetcher


def remaining_updates(
    reader: BatchReader, state: TrainState, reseed: Callable[[], None] | None
) -> Prefetcher:
    """Prefetch the micro-batches of the epoch's next updates.

    Args:
        reader: reader of the training data.
        state: progress of the training.
        reseed: seeds what the engine draws at random in the next update; None if nothing is.
    """
    position = state.position if state.batch else None
    return Prefetcher(
        reader.batches(state.epoch, state.batch * state.accumulate, position),
        state.accumulate,
        None if state.updates is None else state.updates - state.update,
        getattr(reader.iterator, "ready", None),
        *(state.clock, state.update + 1, reseed),
    )
