"""Sources of iterators of a user's own, whose batches become densefit's."""

from __future__ import annotations

from collections.abc import Iterator

from densefit.data.batch import Batch
from densefit.engine.sources import Source
from densefit.interop.data_batch import as_batch


class ForeignSource(Source):
    """An iterator of an unknown kind: its epochs and its padding are what it says.

    Its batches are copied, so that it may fill its arrays again.
    """

    def read(self) -> Iterator[Batch]:
        """The batches from where the iterator stands to its end."""
        for batch in self.iterator:
            yield as_batch(batch, self.iterator)
