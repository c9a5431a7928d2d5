"""Epochs of gluon's and PyTorch's DataLoaders."""

from __future__ import annotations

import inspect
from typing import Any

from densefit.backend import mx
from densefit.interop.batches import NamedBatches
from densefit.interop.iterators.origins import Ending, Origin
from densefit.interop.loader_settings import LoaderSettings

_ENDINGS = {"discard": Ending.DROPPED, "rollover": Ending.CARRIED}


class Loaders(Origin):
    """A DataLoader's batches: an `mx.contrib.io.DataLoaderIter`, or what a loader is named by.

    Args:
        iterator: the DataLoaderIter, or the `NamedBatches`.
        settings: of its loader.
        first_carried: `settings.carried` before the epoch that the iterator has begun already.
    """

    def __init__(
        self, iterator: Any, settings: LoaderSettings, first_carried: int | None = None
    ) -> None:
        super().__init__(iterator)
        self.settings, self._first_carried = settings, first_carried
        self.name = settings.kind
        self.ending = _ENDINGS.get(settings.last, Ending.PADDED)
        self.shuffles = settings.shuffles
        self.repeats, self.keep = settings.repeats, settings.keep
        self.is_reset_idempotent = self.ending is not Ending.CARRIED

    @property
    def batch_size(self) -> int:
        """Rows of a full batch: a batch may have several for each of the loader's samples."""
        size = self.settings.batch_size
        size = size if self.settings.samples is None else min(size, self.settings.samples)
        return max(1, int(self.iterator.batch_size) // max(1, size)) * size

    @property
    def samples(self) -> int | None:
        """Rows of an epoch, if those of a batch are as many for each of the loader's samples."""
        samples, size = self.settings.samples, self.settings.batch_size
        if samples is None or int(self.iterator.batch_size) > self.batch_size:
            return None
        return samples * (self.batch_size // max(1, min(size, samples)))

    @property
    def batches_read(self) -> int | None:
        """Batches read since the beginning of the epoch; None if unknown."""
        batches = getattr(self.iterator, "_iter", None)  # without: each pass begins an epoch
        if batches is None:
            return 0
        if inspect.isgenerator(batches):
            return 0 if inspect.getgeneratorstate(batches) == inspect.GEN_CREATED else None
        return None

    @property
    def random(self) -> list[str]:
        """Random transforms of its dataset."""
        return self.settings.random

    def offset(self, given: int | None) -> int | None:
        """Samples that the epoch before has left to the next one."""
        if self.ending is not Ending.CARRIED:
            return 0
        if getattr(self.iterator, "is_begun", False):
            return self._first_carried
        return self.settings.carried if given == 0 else None


def loader_in(iterator: Any) -> Any:
    """The DataLoader, or other iterable, whose batches an iterator gives; None if there is none."""
    if isinstance(iterator, NamedBatches):
        return iterator.iterable
    return iterator._loader if isinstance(iterator, mx.contrib.io.DataLoaderIter) else None
