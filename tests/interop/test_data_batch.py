"""Batches of other iterators as densefit's, and back."""

import numpy as np

from densefit.backend import mx
from densefit.data.batch import ArraySpec, Batch
from densefit.interop.data_batch import as_batch, data_batch


class Announced:
    provide_data, provide_label = [("data", (4, 2))], [ArraySpec("label", (4,))]


def test_arrays_are_copied_and_named_by_the_iterator_or_the_batch():
    data, label = mx.nd.ones((4, 2)), np.zeros(4, np.float32)
    batch = as_batch(mx.io.DataBatch([data], [label], pad=1), Announced)
    data[:] = 5
    label[:] = 5
    assert (list(batch.data), list(batch.labels)) == (["data"], ["label"])
    assert (batch.data["data"].max(), batch.labels["label"].max()) == (1, 0)
    assert (batch.rows, batch.real, batch.ids) == (4, 3, [])
    own = mx.io.DataBatch([data], [data], provide_label=[("other", (4, 2))])
    assert list(as_batch(own, Announced).labels) == ["other"]
    assert list(as_batch(mx.io.DataBatch([data] * 2, None), Announced).data) == ["data", "array 1"]


def test_a_batch_of_densefit_stays_as_it_is():
    batch = Batch({"data": np.zeros((2, 2))}, {}, 2)
    assert as_batch(batch, Announced) is batch


def test_no_batch():
    assert data_batch(None) is None


def test_there_and_back():
    batch = Batch(
        {"data": np.arange(6, dtype=np.uint8).reshape(3, 2)},
        {"label": np.arange(3, dtype=np.int32)},
        2,
        ["a", "b"],
        targets=[{"kind": np.array(1)}] * 2,
        labelled={"head": np.array([True, False])},
        position=7,
        counts={"left": 3},
        index=np.array([5, 6]),
    )
    made = data_batch(batch)
    assert all(isinstance(array, mx.nd.NDArray) for array in [*made.data, *made.label])
    assert made.pad == 1
    again = as_batch(made, Announced)
    for name, array in batch.arrays.items():
        assert again.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(again.arrays[name], array)
    for name in ("real", "ids", "targets", "labelled", "position", "counts", "index"):
        assert getattr(again, name) is getattr(batch, name) or np.array_equal(
            getattr(again, name), getattr(batch, name)
        )
