"""Settings of gluon's and PyTorch's DataLoaders that determine an epoch's samples."""

from __future__ import annotations

from typing import Any

from densefit.interop.mxnet import mx
from densefit.interop.random_settings import random_parts


class LoaderSettings:
    """Settings of a DataLoader, alike for gluon's and PyTorch's.

    Attributes:
        kind: class name of the loader.
        keep: the loader's setting that keeps all samples.
        last: treatment of an incomplete last batch: "keep", "discard" or "rollover" (its samples
            start the next epoch).
        batch_size: number of samples in a full batch.
        samples: number of samples in an epoch; None if unknown.
        shuffles: whether each epoch may have another order.
        repeats: whether an epoch may repeat a sample and omit another.
        random: names of the dataset's random transforms, as far as they are visible.
    """

    def __init__(self, loader: Any, sampler: Any, batch_size: int, last: str) -> None:
        self.kind = type(loader).__name__
        self.keep = "last_batch='keep'" if hasattr(loader, "_batch_sampler") else "drop_last=False"
        self.last, self.batch_size = last, int(batch_size)
        dataset = getattr(loader, "dataset", getattr(loader, "_dataset", None))
        of_all, self.random = length_of(dataset), random_parts(dataset)
        drawn = length_of(sampler)
        self.samples = of_all if drawn is None else drawn
        self.shuffles = type(sampler).__name__ not in ("SequentialSampler", "FilterSampler")
        self.repeats = bool(getattr(sampler, "replacement", False)) or (
            self.samples is not None and of_all is not None and self.samples > of_all
        )
        self._batches = getattr(loader, "_batch_sampler", None)
        self._is_ahead = bool(getattr(loader, "auto_reload", False))

    @property
    def carried(self) -> int | None:
        """Return the number of samples carried over into the next epoch; None if unknown."""
        return None if self._is_ahead else len(getattr(self._batches, "_prev", ()))


def loader_settings(loader: Any) -> LoaderSettings | None:
    """Return the settings of a DataLoader; None for other objects and custom batch samplers."""
    batches: Any = getattr(loader, "_batch_sampler", None)
    if isinstance(batches, mx.gluon.data.BatchSampler):
        return LoaderSettings(loader, batches._sampler, batches._batch_size, batches._last_batch)
    batches = getattr(loader, "batch_sampler", None)  # PyTorch's
    needed = ("sampler", "batch_size", "drop_last")
    if batches is not None and all(hasattr(batches, name) for name in needed):
        last = "discard" if batches.drop_last else "keep"
        return LoaderSettings(loader, batches.sampler, batches.batch_size, last)
    return None


def length_of(collection: Any) -> int | None:
    """Return the length of a collection; None if it has none."""
    try:
        return len(collection)
    except TypeError:
        return None
