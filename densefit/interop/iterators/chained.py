"""Base class of the sources of MXNet's iterators."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from densefit.data.batch import Batch
from densefit.errors import DataError
from densefit.interop.data_batch import as_batch
from densefit.interop.drawn import repeated
from densefit.interop.foreign_source import ForeignSource
from densefit.interop.iterators.chain import Chain
from densefit.interop.iterators.data_loaders import loader_in
from densefit.interop.iterators.native import Native
from densefit.once import warn_once

_log = logging.getLogger("densefit")


class ChainedSource(ForeignSource):
    """Base of sources whose iterator is a chain.

    Args:
        iterator: the outermost iterator.
        chain: the iterators from the outermost to the origin.
    """

    def __init__(self, iterator: Any, chain: Chain) -> None:
        super().__init__(iterator)
        self.chain, self.origin = chain, chain.origin

    @property
    def index_counts(self) -> bool:  # type: ignore[override]
        """Return whether `DataBatch.index` is valid: in C++ iterators it is arbitrary."""
        return not isinstance(self.origin, Native)

    @property
    def samples(self) -> int | None:
        """Return the number of distinct samples; None if unknown without reading them."""
        return self.origin.samples

    def start(self) -> None:
        """Reset the iterator, unless it is at the start of an epoch."""
        is_spare_reset = self._is_read and self.origin.is_reset_idempotent
        if is_spare_reset or not self.chain.is_at_start():
            self.iterator.reset()
        self._is_read = True

    def check_passes(self, passes: int) -> None:
        """Raise DataError if a scoring pass out of `passes` would repeat or omit samples.

        Warns once if the samples are randomly augmented.
        """
        if self.origin.random:
            warn_once(
                _log,
                "What is scored is changed at random in every pass (%s: %s): the scores are not "
                "of the samples as they are, and differ from pass to pass. For exact scores make "
                "an iterator without it",
                *(self.origin.name, ", ".join(self.origin.random)),
            )
        if self.origin.repeats:
            raise self.refusal(
                f"the sampler of {self.origin.name} may draw a sample twice and another never",
                "a loader without a sampler of your own",
            )
        loader = loader_in(self.origin.iterator)
        number = None if loader is None else repeated(loader)
        if number is not None:
            raise self.refusal(
                f"the sampler of {self.origin.name} draws sample {number} twice",
                "a loader without a sampler of your own, or one that draws each once",
            )

    def read(self) -> Iterator[Batch]:
        """Yield the remaining batches of the epoch.

        Raises:
            DataError: a PrefetchingIter has stopped because of meaningless pads.
        """
        batches = iter(self.iterator)
        while True:
            try:
                batch = next(batches)
            except StopIteration:
                return
            except AssertionError as error:
                if "mismatches between iterators" not in str(error):
                    raise
                raise self._stale_pads() from error
            yield as_batch(batch, self.iterator)

    def _stale_pads(self) -> DataError:
        return DataError(
            "A PrefetchingIter has stopped: the pads of its iterators differ",
            expected="the same pad in the batches of all",
            received=f"{self.chain.name}; ImageRecordIter leaves pads of other batches standing "
            "from the second epoch on",
            fix=f"a batch_size that divides {self.samples or 'the number of samples'}, or "
            "ImageRecordIter_v1",
        )

    def refusal(self, why: str, fix: str) -> DataError:
        """Return the error for data that cannot be scored exactly."""
        return DataError(
            f"These data cannot give every sample exactly once: {why}",
            expected="every sample once in each scoring pass",
            received=f"{self.chain.name}, {self.samples or 'an unknown number of'} samples in "
            f"batches of {self.origin.batch_size}",
            fix=fix,
        )
