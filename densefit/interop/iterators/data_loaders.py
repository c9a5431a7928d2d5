"""Epochs of gluon's and PyTorch's DataLoaders."""

from __future__ import annotations

import inspect
from typing import Any

from densefit.interop.batches import NamedBatches
from densefit.interop.iterators.origins import Ending, Origin
from densefit.interop.loader_settings import LoaderSettings
from densefit.interop.mxnet import mx

_ENDINGS = {"discard": Ending.DROPPED, "rollover": Ending.CARRIED}


class Loaders(Origin):
    """Origin of a DataLoader's batches: an `mx.contrib.io.DataLoaderIter` or `NamedBatches`.

    Args:
        iterator: the DataLoaderIter, or the `NamedBatches`.
        settings: settings of the loader.
        first_carried: `settings.carried` before the epoch that the iterator has already started.
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
        """Return the rows of a full batch, which may have several rows a sample of the loader."""
        size = self.settings.batch_size
        size = size if self.settings.samples is None else min(size, self.settings.samples)
        return max(1, int(self.iterator.batch_size) // max(1, size)) * size

    @property
    def samples(self) -> int | None:
        """Return the rows of an epoch, if each of the loader's samples has the same number."""
        samples, size = self.settings.samples, self.settings.batch_size
        if samples is None or int(self.iterator.batch_size) > self.batch_size:
            return None
        return samples * (self.batch_size // max(1, min(size, samples)))

    @property
    def batches_read(self) -> int | None:
        """Return the number of batches read in this epoch; None if unknown."""
        batches = getattr(self.iterator, "_iter", None)  # None: each pass starts an epoch
        if batches is None:
            return 0
        if inspect.isgenerator(batches):
            return 0 if inspect.getgeneratorstate(batches) == inspect.GEN_CREATED else None
        return None

    @property
    def random(self) -> list[str]:
        """Return the random transforms of the dataset."""
        return self.settings.random

    def offset(self, batches_given: int | None) -> int | None:
        """Return the number of samples carried over into the next epoch."""
        if self.ending is not Ending.CARRIED:
            return 0
        if getattr(self.iterator, "is_begun", False):
            return self._first_carried
        return self.settings.carried if batches_given == 0 else None


def loader_in(iterator: Any) -> Any:
    """Return the DataLoader, or other iterable, that an iterator reads; None if there is none."""
    if isinstance(iterator, NamedBatches):
        return iterator.iterable
    return iterator._loader if isinstance(iterator, mx.contrib.io.DataLoaderIter) else None
