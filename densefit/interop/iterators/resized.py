"""Sources of `mx.io.ResizeIter`, whose epochs end after a number of batches."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from densefit.backend import mx
from densefit.data.batch import Batch
from densefit.interop.foreign_source import ForeignSource
from densefit.interop.iterators.chain import Chain
from densefit.interop.iterators.chained import ChainedSource
from densefit.interop.iterators.origins import Ending
from densefit.interop.iterators.rewound import untold, with_padding
from densefit.once import warn_once

_log = logging.getLogger("densefit")


def resize_of(iterator: Any) -> Any:
    """The ResizeIter that an iterator is, or that a PrefetchingIter reads; None without one."""
    while isinstance(iterator, mx.io.PrefetchingIter):
        iterator = iterator.iters[0]
    return iterator if isinstance(iterator, mx.io.ResizeIter) else None


class BelievedResize(ForeignSource):
    """A ResizeIter around an iterator of a user's own, of unknown length."""

    def check_passes(self, passes: int) -> None:
        """Tell that an epoch of the ResizeIter may drop or repeat samples."""
        resize = resize_of(self.iterator)
        warn_once(
            _log,
            "Whether %d batches of %s are each sample once is not known: its ResizeIter may drop "
            "or repeat samples. For exact scores, score the iterator in it",
            *(resize.size, type(resize.data_iter).__name__),
        )


class ResizedSource(ChainedSource):
    """A ResizeIter, or an iterator around one."""

    def __init__(self, iterator: Any, chain: Chain) -> None:
        super().__init__(iterator, chain)
        self._size = int(chain.resize.size)
        if self.origin.ending is Ending.UNTOLD and self.samples is None:
            raise untold(self)

    def train_epoch(self) -> Iterator[Batch]:
        """One epoch of training."""
        self.start()
        first, inner = self.chain.batches_given() or 0, self._inner_length() or 1
        for number, batch in enumerate(self.read(), first):
            yield with_padding(self, number % inner, batch)

    def score_pass(self) -> Iterator[Batch]:
        """One scoring pass: every sample once.

        Raises:
            DataError: an epoch of the ResizeIter is no pass over the data.
        """
        self.check_passes(1)
        return self.train_epoch()

    def check_passes(self, passes: int) -> None:
        """Raise DataError unless an epoch of the ResizeIter is a pass over the data."""
        super().check_passes(passes)
        is_rewound = self.origin.ending in (Ending.PADDED, Ending.UNTOLD)
        is_pass = self._inner_length() == self._size and self.chain.resize.reset_internal
        if not (is_pass and (is_rewound or self.origin.is_divisible())):
            raise self.refusal(
                f"a ResizeIter of {self._size} batches drops or repeats samples",
                "the iterator in the ResizeIter",
            )

    def length(self) -> int | None:
        """Batches of a training epoch."""
        return self._size

    @property
    def makes_up(self) -> bool:
        """Whether another epoch goes on behind this one, or has another order."""
        return self.origin.shuffles or not self.chain.resize.reset_internal

    def describe_epoch(self, rows: int) -> str | None:
        """Explain an epoch with another number of rows than there are samples."""
        if self.samples is None or rows == self.samples:
            return None
        return f"{rows} rows of {self.samples} samples: ResizeIter gives {self._size} batches"

    def _inner_length(self) -> int | None:
        """Batches of a pass over the data, if known."""
        if self.samples is None or self.origin.leaves_out:
            return None
        return -(-self.samples // self.origin.batch_size)
