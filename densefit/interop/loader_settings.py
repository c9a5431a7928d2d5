"""What gluon's and PyTorch's DataLoaders are told of the samples of an epoch."""

from __future__ import annotations

from typing import Any

from densefit.backend import mx
from densefit.interop.random_settings import random_parts


class LoaderSettings:
    """What a DataLoader is told of its samples; the same for gluon's and PyTorch's.

    Attributes:
        kind: name of its class.
        keep: its setting that keeps all samples.
        last: what becomes of samples that do not fill a last batch: "keep", "discard" or
            "rollover", to the next epoch.
        batch_size: samples of a full batch.
        samples: of an epoch; None if unknown.
        shuffles: whether each epoch may have another order.
        repeats: whether an epoch may have a sample twice, and lack another.
        random: names of the random transforms of its dataset, as far as they can be seen.
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
        """Samples that the epochs before have left to the one that begins next."""
        return None if self._is_ahead else len(getattr(self._batches, "_prev", ()))


def loader_settings(loader: Any) -> LoaderSettings | None:
    """The settings of a DataLoader; None for anything else, and for a user's own batches."""
    batches: Any = getattr(loader, "_batch_sampler", None)
    if isinstance(batches, mx.gluon.data.BatchSampler):
        return LoaderSettings(loader, batches._sampler, batches._batch_size, batches._last_batch)
    batches = getattr(loader, "batch_sampler", None)  # PyTorch's
    needed = ("sampler", "batch_size", "drop_last")
    if batches is not None and all(hasattr(batches, name) for name in needed):
        last = "discard" if batches.drop_last else "keep"
        return LoaderSettings(loader, batches.sampler, batches.batch_size, last)
    return None


def length_of(thing: Any) -> int | None:
    """How many there are; None of what does not tell."""
    try:
        return len(thing)
    except TypeError:
        return None
