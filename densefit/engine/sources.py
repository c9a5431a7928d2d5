"""Sources: find the samples among the rows of an iterator's batches.

The padding that an iterator reports need not be padding, and its epoch need not be one
pass over the data. A source handles a kind of iterator. `densefit.interop` has the sources of
foreign iterators.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from densefit.adapters import sources
from densefit.data.batch import Batch
from densefit.errors import DataError


class Source:
    """Batches of an iterator for training and for scoring.

    This class reads densefit's loaders and similar iterators: one pass from `reset()` to
    StopIteration is an epoch.

    Args:
        iterator: an object with `reset` and `__iter__` that yields `Batch`es.

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

    #: Whether `DataBatch.index`, if set, numbers the samples.
    index_counts = True

    #: Whether an epoch continues where the previous one ended, instead of at the first sample.
    goes_on = False

    def is_at_start(self) -> bool:
        """Whether the iterator is, or may be, at its start."""
        return True

    def read(self) -> Iterator[Batch]:
        """Yield the batches from the current position to the end."""
        return iter(self.iterator)

    def train_epoch(self) -> Iterator[Batch]:
        """Yield the batches of one epoch of training.

        The first epoch begins at the iterator's current position, as in MXNet's `Module.fit`; an
        iterator at its end is reset.
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
        """Yield the batches of one scoring pass, with every sample once.

        Raises:
            DataError: the iterator cannot yield every sample exactly once.
        """
        self._is_read = True
        self.iterator.reset()
        yield from self.read()

    def check_passes(self, passes: int) -> None:
        """Raise DataError if `passes` scoring passes are known to be impossible."""

    def length(self) -> int | None:
        """Batches per training epoch, if known and equal for all epochs."""
        try:
            return len(self.iterator)
        except TypeError:  # it has no length
            pass
        # Unknown whether a last batch that is not full is padded or dropped.
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
        """Whether missing or repeated samples of an epoch differ between epochs."""
        return False

    def describe_epoch(self, rows: int) -> str | None:
        """Explain why an epoch's number of rows differs from the number of samples, or None.

        Args:
            rows: rows of the epoch's batches without padding.
        """
        return None


def source_of(iterator: Any) -> Source:
    """Get the source that is registered for an iterator, else the general one.

    Raises:
        DataError: samples of the iterator cannot be distinguished from other rows.
    """
    adapted = sources.adapt(iterator)
    if adapted is None:
        return Source(iterator)
    if not isinstance(adapted, Source):
        raise DataError(
            "An adapter of iterators did not return a Source",
            expected="a densefit.engine.sources.Source",
            received=type(adapted).__name__,
            where=f"the adapter of {type(iterator).__name__}",
        )
    return adapted
