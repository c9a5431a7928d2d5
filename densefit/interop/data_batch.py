"""Conversion between `mx.io.DataBatch` and densefit's `Batch`."""

from __future__ import annotations

from typing import Any

import numpy as np

from densefit.data.batch import Batch
from densefit.interop.mxnet import mx

#: Attributes of a DataBatch that densefit adds to MXNet's.
_DENSEFIT_ATTRIBUTES = ("targets", "geometries", "position")


def as_batch(batch: Any, iterator: Any) -> Batch:
    """Convert a batch of any iterator into a `Batch` of copied numpy arrays.

    Args:
        batch: an `mx.io.DataBatch`, an object with the same attributes, or a `Batch`, which is
            returned unchanged. Beyond MXNet's attributes, `ids`, `targets`, `geometries`,
            `labelled`, `counts` and `position` are read.
        iterator: source of the arrays' names, if the batch has none.
    """
    if isinstance(batch, Batch):
        return batch
    data = _by_name("data", batch, iterator)
    labels = _by_name("label", batch, iterator)
    rows = next((np.shape(array)[0] for array in data.values()), 0)
    attributes: dict[str, Any] = {name: getattr(batch, name, None) for name in _DENSEFIT_ATTRIBUTES}
    for name in ("targets", "geometries"):
        attributes[name] = None if attributes[name] is None else list(attributes[name])
    ids = getattr(batch, "ids", None)
    return Batch(
        data,
        labels,
        real=rows - stated_pad(batch),
        ids=[] if ids is None else list(ids),
        labelled=getattr(batch, "labelled", None) or {},
        counts=getattr(batch, "counts", None) or {},
        index=getattr(batch, "index", None),
        **attributes,
    )


def data_batch(batch: Batch | None) -> Any:
    """Convert a batch into an `mx.io.DataBatch` of NDArrays, with `ids` etc.; None stays None."""
    if batch is None:
        return None
    from densefit.engine.mxnet.ndarrays import to_ndarray

    mxnet_batch = mx.io.DataBatch(
        [to_ndarray(array) for array in batch.data.values()],
        [to_ndarray(array) for array in batch.labels.values()],
        pad=batch.rows - batch.real,
        index=batch.index,
        provide_data=[_desc(name, array) for name, array in batch.data.items()],
        provide_label=[_desc(name, array) for name, array in batch.labels.items()],
    )
    for name in (*_DENSEFIT_ATTRIBUTES, "ids", "labelled", "counts"):
        setattr(mxnet_batch, name, getattr(batch, name))
    return mxnet_batch


def stated_pad(batch: Any) -> int:
    """Return the number of padding rows that a batch states."""
    return int(getattr(batch, "pad", 0) or 0)


def _by_name(kind: str, batch: Any, iterator: Any) -> dict[str, Any]:
    """Return a batch's arrays by name; arrays without a name are numbered."""
    arrays = list(getattr(batch, kind, None) or [])
    provided = getattr(batch, f"provide_{kind}", None) or getattr(iterator, f"provide_{kind}", None)
    names = [entry[0] for entry in provided or []]
    names += [f"array {number}" for number in range(len(names), len(arrays))]
    return {name: _copy(array) for name, array in zip(names, arrays)}


def copy_ndarray(array: Any) -> Any:
    """Copy an NDArray into numpy's memory."""
    from densefit.engine.mxnet.ndarrays import to_numpy  # which needs MXNet, as NDArrays do

    return to_numpy(array)


def _copy(array: Any) -> Any:
    """Copy an array into numpy's memory, as iterators reuse theirs; other values are unchanged."""
    if isinstance(array, mx.nd.NDArray):
        return copy_ndarray(array)
    return array.copy() if isinstance(array, np.ndarray) else array


def _desc(name: str, array: Any) -> Any:
    return mx.io.DataDesc(name, tuple(array.shape), array.dtype)
