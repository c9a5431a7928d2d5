"""Sources: an iterator's batches, in each of which the rows that are samples are known.

What an iterator calls padding need not be padding, and what it calls an epoch need not be one
pass over the data. A source knows its iterator. `densefit.interop` has sources of iterators that
give other batches than ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from densefit.adapters import sources
from densefit.data.batch import Batch
from densefit.errors import DataError


class Source:
    """Batches of an iterator for training and for scoring.

    This class reads our loaders, and what gives their batches: one pass from `reset()` to
    StopIteration is an epoch.

    Args:
        iterator: any object with `reset` and `__iter__`, which gives `Batch`es.

    Attributes:
        iterator: the iterator.
    """

    def __init__(self, iterator: Any) -> None:
        self.iterator = iterator
        self._is_read = False  # whether this source has read from it

    @property
    def samples(self) -> int | None:
        """Number of distinct samples; None if unknown without reading them."""
        dataset = getattr(self.iterator, "dataset", None)
        return None if dataset is None else len(dataset)

    #: Whether `DataBatch.index`, where there is one, may be believed to number the samples.
    index_counts = True

    #: Whether an epoch begins where the one before ended, and not with the first sample.
    goes_on = False

    def is_at_start(self) -> bool:
        """Whether the iterator is known to stand, or may stand, where a new one does."""
        return True

    def read(self) -> Iterator[Batch]:
        """The batches from where the iterator stands to its end."""
        return iter(self.iterator)

    def train_epoch(self) -> Iterator[Batch]:
        """One epoch of training.

        The first epoch begins where the iterator stands, as in MXNet's `Module.fit`; an iterator
        that stands at its end is reset.
        """
        is_first, self._is_read = not self._is_read, True
        if not is_first:
            self.iterator.reset()
        is_empty = True
        for batch in self.read():
            is_empty = False
            yield batch
        if is_first and is_empty:
            self.iterator.reset()
            yield from self.read()

    def score_pass(self) -> Iterator[Batch]:
        """One scoring pass: every sample once.

        Raises:
            DataError: this iterator cannot give every sample exactly once.
        """
        self._is_read = True
        self.iterator.reset()
        yield from self.read()

    def check_passes(self, passes: int) -> None:
        """Raise DataError if `passes` scoring passes are known to be impossible."""

    def length(self) -> int | None:
        """Batches of a training epoch, if known and the same for all epochs."""
        try:
            return len(self.iterator)
        except TypeError:  # it has no length
            pass
        # Of samples that fill no last batch it does not tell whether they are padded or left out.
        samples = getattr(self.iterator, "num_data", None)
        size = getattr(self.iterator, "batch_size", None)
        if not isinstance(samples, int) or not isinstance(size, int) or min(samples, size) < 1:
            return None
        return samples // size if samples % size == 0 else None

    def total(self, epochs: int) -> int | None:
        """Batches of the first `epochs` training epochs, if known."""
        length = self.length()
        return None if length is None else length * epochs

    @property
    def makes_up(self) -> bool:
        """Whether samples that an epoch lacks, or has twice, are other ones in other epochs."""
        return False

    def describe_epoch(self, rows: int) -> str | None:
        """Explain an epoch with another number of rows than there are samples; None if it has not.

        Args:
            rows: rows of the epoch's batches without padding.
        """
        return None


def source_of(iterator: Any) -> Source:
    """The source registered for an iterator; the general one if there is none.

    Raises:
        DataError: it is known that the iterator's samples cannot be told from other rows.
    """
    adapted = sources.adapt(iterator)
    if adapted is None:
        return Source(iterator)
    if not isinstance(adapted, Source):
        raise DataError(
            "An adapter of iterators made no Source",
            expected="a densefit.engine.sources.Source",
            received=type(adapted).__name__,
            where=f"the adapter of {type(iterator).__name__}",
        )
    return adapted
