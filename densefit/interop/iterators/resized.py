"""Sources of `mx.io.ResizeIter`, whose epochs have a fixed number of batches."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from densefit.data.batch import Batch
from densefit.interop.foreign_source import ForeignSource
from densefit.interop.iterators.chain import Chain
from densefit.interop.iterators.chained import ChainedSource
from densefit.interop.iterators.origins import Ending
from densefit.interop.iterators.rewound import untold, with_padding
from densefit.interop.mxnet import mx
from densefit.once import warn_once

_log = logging.getLogger("densefit")


def resize_of(iterator: Any) -> Any:
    """Return the ResizeIter itself, or the one in a PrefetchingIter; None without one."""
    while isinstance(iterator, mx.io.PrefetchingIter):
        iterator = iterator.iters[0]
    return iterator if isinstance(iterator, mx.io.ResizeIter) else None


class BelievedResize(ForeignSource):
    """Source of a ResizeIter around a user's iterator of unknown length."""

    def check_passes(self, passes: int) -> None:
        """Warn that an epoch of the ResizeIter may drop or repeat samples."""
        resize = resize_of(self.iterator)
        warn_once(
            _log,
            "Whether %d batches of %s are each sample once is not known: its ResizeIter may drop "
            "or repeat samples. For exact scores, score the iterator in it",
            *(resize.size, type(resize.data_iter).__name__),
        )


class ResizedSource(ChainedSource):
    """Source of a ResizeIter, or of an iterator around one."""

    def __init__(self, iterator: Any, chain: Chain) -> None:
        super().__init__(iterator, chain)
        self._size = int(chain.resize.size)
        if self.origin.ending is Ending.UNTOLD and self.samples is None:
            raise untold(self)

    def train_epoch(self) -> Iterator[Batch]:
        """Yield one epoch of training."""
        self.start()
        first, inner = self.chain.batches_given() or 0, self._inner_length() or 1
        for number, batch in enumerate(self.read(), first):
            yield with_padding(self, number % inner, batch)

    def score_pass(self) -> Iterator[Batch]:
        """Yield one scoring pass: every sample once.

        Raises:
            DataError: an epoch of the ResizeIter is not a pass over the data.
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
        """Return the number of batches of a training epoch."""
        return self._size

    @property
    def makes_up(self) -> bool:
        """Return whether the next epoch has other samples or another order."""
        return self.origin.shuffles or not self.chain.resize.reset_internal

    def describe_epoch(self, rows: int) -> str | None:
        """Explain an epoch whose number of rows differs from the number of samples."""
        if self.samples is None or rows == self.samples:
            return None
        return f"{rows} rows of {self.samples} samples: ResizeIter gives {self._size} batches"

    def _inner_length(self) -> int | None:
        """Return the number of batches of a pass over the data, if known."""
        if self.samples is None or self.origin.leaves_out:
            return None
        return -(-self.samples // self.origin.batch_size)
