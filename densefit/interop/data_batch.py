"""Batches of MXNet's iterators, and densefit's, each made of the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.data.batch import Batch
from densefit.engine.mxnet.ndarrays import to_ndarray, to_numpy

#: Attributes of a DataBatch that densefit knows beyond MXNet's own.
_OWN = ("targets", "geometries", "position")


def as_batch(batch: Any, iterator: Any) -> Batch:
    """A batch of any iterator as named numpy arrays, which are copies.

    Args:
        batch: an `mx.io.DataBatch`, anything with its attributes, or a `Batch`, which stays as it
            is. Beyond MXNet's attributes, `ids`, `targets`, `geometries`, `labelled`, `counts` and
            `position` are read.
        iterator: names the arrays, if the batch does not.
    """
    if isinstance(batch, Batch):
        return batch
    data = _by_name("data", batch, iterator)
    labels = _by_name("label", batch, iterator)
    rows = next((np.shape(array)[0] for array in data.values()), 0)
    known: dict[str, Any] = {name: getattr(batch, name, None) for name in _OWN}
    for name in ("targets", "geometries"):
        known[name] = None if known[name] is None else list(known[name])
    ids = getattr(batch, "ids", None)
    return Batch(
        data,
        labels,
        real=rows - stated_pad(batch),
        ids=[] if ids is None else list(ids),
        labelled=getattr(batch, "labelled", None) or {},
        counts=getattr(batch, "counts", None) or {},
        index=getattr(batch, "index", None),
        **known,
    )


def data_batch(batch: Batch | None) -> Any:
    """A batch as an `mx.io.DataBatch` of NDArrays, with `ids` and the like; None stays None."""
    if batch is None:
        return None
    made = mx.io.DataBatch(
        [to_ndarray(array) for array in batch.data.values()],
        [to_ndarray(array) for array in batch.labels.values()],
        pad=batch.rows - batch.real,
        index=batch.index,
        provide_data=[_desc(name, array) for name, array in batch.data.items()],
        provide_label=[_desc(name, array) for name, array in batch.labels.items()],
    )
    for name in (*_OWN, "ids", "labelled", "counts"):
        setattr(made, name, getattr(batch, name))
    return made


def stated_pad(batch: Any) -> int:
    """Rows at the end of a batch that it calls padding."""
    return int(getattr(batch, "pad", 0) or 0)


def _by_name(kind: str, batch: Any, iterator: Any) -> dict[str, Any]:
    """The arrays of a batch by name; more than there are names get numbers for names."""
    arrays = list(getattr(batch, kind, None) or [])
    provided = getattr(batch, f"provide_{kind}", None) or getattr(iterator, f"provide_{kind}", None)
    names = [entry[0] for entry in provided or []]
    names += [f"array {number}" for number in range(len(names), len(arrays))]
    return {name: _copy(array) for name, array in zip(names, arrays)}


def _copy(array: Any) -> Any:
    """An array in numpy's memory, whatever its iterator does next; what is none stays."""
    if isinstance(array, mx.nd.NDArray):
        return to_numpy(array)
    return array.copy() if isinstance(array, np.ndarray) else array


def _desc(name: str, array: Any) -> Any:
    return mx.io.DataDesc(name, tuple(array.shape), array.dtype)
