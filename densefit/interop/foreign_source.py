"""Source of a user's iterator, whose batches are converted to `Batch`."""

from __future__ import annotations

from collections.abc import Iterator

from densefit.data.batch import Batch
from densefit.engine.sources import Source
from densefit.interop.data_batch import as_batch


class ForeignSource(Source):
    """Source of an iterator of unknown kind, whose stated epochs and padding are trusted.

    Batches are copied, so that the iterator may reuse its arrays.
    """

    def read(self) -> Iterator[Batch]:
        """Yield the remaining batches of the epoch."""
        for batch in self.iterator:
            yield as_batch(batch, self.iterator)
