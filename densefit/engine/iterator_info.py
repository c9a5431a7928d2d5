"""Metadata of iterators: array specs, and the number of samples in the last batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from densefit.data.batch import ArraySpec
from densefit.errors import BindError, DataError


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


def is_part(iterator: Any) -> bool:
    """Whether an iterator reads a rank's part of the data, which may be empty."""
    return getattr(getattr(iterator, "part", None), "size", 1) > 1


def batch_size_of(data: Sequence[ArraySpec], labels: Sequence[ArraySpec], where: str) -> int:
    """Rows of a full batch, by the specs of its arrays.

    Raises:
        DataError: there is no input, or the batch is not the first axis of an array.
        BindError: the inputs have different numbers of rows.
    """
    if not data:
        raise DataError(f"The {where} data provide no input", received="provide_data []")
    for spec in [*data, *labels]:
        if spec.batch_axis not in (0, -1):
            raise DataError(
                f"The array {spec.name!r} of the {where} data has its samples on another "
                "axis than the first",
                expected="a layout that begins with N",
                received=f"layout {spec.layout}",
                fix="put samples on the first axis, and transpose in the symbol: "
                "mx.sym.swapaxes(data, dim1=0, dim2=1)",
            )
    rows = int(data[0].shape[0])
    for spec in data:
        if spec.shape[0] != rows:
            raise BindError(
                f"The inputs of the {where} data have different numbers of rows",
                expected="one row per sample in each",
                received=[f"{spec.name}: {tuple(spec.shape)}" for spec in data],
                where=f"input {spec.name!r}",
                fix="reshape inputs with several rows per sample in the symbol",
            )
    return rows
