"""Metadata of iterators: array specs, and the number of samples in the last batch."""

from __future__ import annotations

from typing import Any

from densefit.data.batch import ArraySpec
from densefit.errors import DataError


def specs(provided: Any) -> list[ArraySpec]:
    """`provide_data` or `provide_label` as array specs, of DataDescs or of (name, shape) pairs."""
    return [_spec(entry) for entry in provided or []]


def _spec(entry: Any) -> ArraySpec:
    if isinstance(entry, ArraySpec):
        return entry
    name, shape = entry[:2]
    kind = getattr(entry, "dtype", ArraySpec._field_defaults["dtype"])
    layout = getattr(entry, "layout", ArraySpec._field_defaults["layout"])
    return ArraySpec(name, tuple(shape), kind, layout)


def check_iterator(iterator: Any, where: str) -> None:
    """Raise DataError unless the object is an iterator of batches.

    Args:
        iterator: any object.
        where: purpose of the data, for error messages.
    """
    for attribute in ("provide_data", "provide_label", "reset", "__iter__"):
        if not hasattr(iterator, attribute):
            raise DataError(
                f"The {where} data are not an iterator of batches",
                expected="a densefit Loader or an mx.io.DataIter",
                received=f"{type(iterator).__name__} (it has no {attribute})",
                fix="df.Loader(dataset, ...) or mx.io.NDArrayIter(...)",
            )


def last_real(
    iterator: Any, batches: int | None, samples: int | None, batch_size: int
) -> int | None:
    """Number of samples in the last batch of an epoch, without padding; None if unknown.

    Args:
        iterator: iterator of the data; a Loader's epoch may differ from the dataset (see Mixture).
        batches: batches per epoch, if known.
        samples: samples of the data, if known.
        batch_size: rows of a full batch.
    """
    all_samples = getattr(iterator, "epoch_samples", None) or samples
    if not all_samples or not batches:
        return None
    # If the iterator drops the smaller last batch, more samples remain than a batch has. If it
    # repeats samples, none remain.
    left = all_samples - (batches - 1) * batch_size
    return min(batch_size, left) if left > 0 else None
