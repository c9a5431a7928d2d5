"""Sources of iterators with an endless stream of samples: `reset()` continues after the last.

With `round_batch=True`, the default of MXNet's C++ iterators, the last batch of an epoch is
filled up with the first samples, and the next epoch starts after these. With 300 samples in
batches of 32, epochs have 320, 288, 320, ... rows, all of them samples. The 20 samples that fill
up the last batch are not padding: the next epoch does not repeat them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from densefit.data.batch import Batch
from densefit.errors import DataError
from densefit.interop.iterators.chain import Chain
from densefit.interop.iterators.chained import ChainedSource
from densefit.interop.iterators.data_loaders import Loaders
from densefit.interop.iterators.native import Native
from densefit.interop.iterators.origins import Ending


class CyclicSource(ChainedSource):
    """Source of an iterator whose epochs continue where the previous one ended."""

    def __init__(self, iterator: Any, chain: Chain) -> None:
        super().__init__(iterator, chain)
        size, samples = self.origin.batch_size, self.samples
        is_carried = self.origin.ending is Ending.CARRIED and not isinstance(self.origin, Loaders)
        if is_carried and samples is not None and samples < size - 1:
            raise DataError(
                f"{self.origin.name}(last_batch_handle='roll_over') cannot fill a batch with fewer "
                "samples: it fails, or leaves rows unfilled",
                received=f"{samples} samples in batches of {size}",
                fix="last_batch_handle='pad', or a smaller batch_size",
            )
        self._offset = self._next_offset()  # at which the first training epoch starts

    goes_on = True
    makes_up = True

    def is_at_start(self) -> bool:
        """Return whether the next batch starts with the first sample of an order."""
        return self._is_fresh()

    def train_epoch(self) -> Iterator[Batch]:
        """Yield one epoch of training, whose rows are all samples."""
        self.start()
        for _ in range(self._chances()):
            is_empty = True
            for batch in self.read():
                is_empty = False
                yield replace(batch, real=batch.rows)
            if not is_empty:
                return
            self.iterator.reset()

    def score_pass(self) -> Iterator[Batch]:
        """Yield every sample once: as many rows as samples, from the stream's present position.

        Raises:
            DataError: a sample would be repeated, or the number of samples cannot be determined.
        """
        self.check_passes(1)
        if self.samples is None and self._is_fresh():
            yield from self._first_epoch()
            return
        if self.samples is None:
            self._learn()
        if self._can_restart():
            self.iterator.hard_reset()
        elif self.origin.shuffles:
            self.start()
        self._is_read = True
        missing, batch_count, before = self.samples or 0, 0, self._total()
        for batch in self._stream():
            rows = batch.rows
            yield replace(batch, real=min(rows, missing))
            missing, batch_count = missing - rows, batch_count + 1
            if missing <= 0:
                break
        # A PrefetchingIter reads, or has read, one batch ahead.
        surplus = self._total() - before - batch_count
        if isinstance(self.origin, Native) and abs(surplus) > len(self.chain.wrappers):
            raise self.refusal(
                f"{self._total() - before} batches were read, and {batch_count} came",
                "an iterator around another must pass on every batch",
            )

    def check_passes(self, passes: int) -> None:
        """Raise DataError if a scoring pass out of `passes` would repeat or omit samples."""
        super().check_passes(passes)
        origin = self.origin
        if origin.leaves_out:
            raise self.refusal(
                "mx.image.ImageDetIter leaves out images without a valid box, and carries the "
                "samples of the last batch over",
                "last_batch_handle='pad'",
            )
        if not origin.shuffles or origin.is_divisible() or self._can_restart():
            return
        if passes > 1 or not self._is_fresh():
            raise self.refusal(
                f"{origin.name} shuffles, and begins a pass in the middle of a batch",
                "shuffle=False for data to be scored, or a batch_size that divides the number of "
                "samples",
            )

    def length(self) -> int | None:
        """Return the number of batches of a training epoch, if it is the same for all."""
        if self.samples is None or not self.origin.is_divisible():
            return None
        return self.samples // self.origin.batch_size

    def total(self, epochs: int) -> int | None:
        """Return the number of batches of the first `epochs` training epochs, if known."""
        length = self.length()
        if length is not None:
            return length * epochs
        samples, size, offset = self.samples, self.origin.batch_size, self._offset
        if samples is None or offset is None:
            return None
        batches = done = 0
        while done < epochs:
            if self.origin.ending is Ending.ROUNDED:
                rows = samples - offset
                epoch = -(-rows // size)
                offset = epoch * size - rows
            else:
                epoch, offset = divmod(samples + offset, size)
            batches += epoch
            done += epoch > 0  # training skips an empty epoch
        return batches

    def describe_epoch(self, rows: int) -> str | None:
        """Explain an epoch whose number of rows differs from the number of samples."""
        samples, name = self.samples, self.origin.name
        if samples is None or rows == samples:
            return None
        if self.origin.ending is Ending.CARRIED:
            return f"{rows} rows of {samples} samples: {name} carries the rest to the next epoch"
        return (
            f"{rows} rows of {samples} samples: {name} fills up the last batch with samples of "
            "the next epoch, which goes on behind them"
        )

    def _next_offset(self) -> int | None:
        return self.origin.offset(self.chain.batches_given())

    def _is_fresh(self) -> bool:
        """Return whether the next batch starts with the first sample of an order."""
        return self.chain.is_at_start() and self._next_offset() == 0

    def _can_restart(self) -> bool:
        """Return whether the iterator can drop the samples that it has carried over."""
        return not self.chain.wrappers and hasattr(self.iterator, "hard_reset")

    def _first_epoch(self) -> Iterator[Batch]:
        """Yield an epoch from the first sample; its last batch reveals the number of samples."""
        self._is_read = True
        waiting: Batch | None = None
        rows = 0
        for batch in self.read():
            if waiting is not None:
                yield replace(waiting, real=waiting.rows)
            waiting = batch
            rows += batch.rows
        if self.samples is None:
            raise self._unknown()
        if waiting is not None:
            yield replace(waiting, real=waiting.rows - (rows - self.samples))

    def _learn(self) -> None:
        """Determine the number of samples by reading whole epochs.

        Raises:
            DataError: the number cannot be determined.
        """
        for _ in range(3):  # rest of an epoch, an epoch from an unknown sample, a whole epoch
            if not self.origin.can_learn:
                break
            for _ in self.read():
                pass
            if self.samples is not None:
                return
            self.iterator.reset()
        raise self._unknown()

    def _unknown(self) -> DataError:
        return self.refusal(
            "their number is not known, and the iterator was read from before",
            "make the iterator anew just before it is scored, or read one local record file",
        )

    def _total(self) -> int:
        """Return the number of batches ever read from a C++ iterator."""
        return self.origin.seen.total if isinstance(self.origin, Native) else 0

    def _chances(self) -> int:
        """Return a number of epochs of which one must have a batch, even if samples are few."""
        return 2 + self.origin.batch_size // max(1, self.samples or 1)

    def _stream(self) -> Iterator[Batch]:
        """Yield batches endlessly, resetting the iterator at the end of each epoch."""
        empty = 0
        while empty < self._chances():
            empty += 1
            for batch in self.read():
                empty = 0
                yield batch
            self.iterator.reset()
