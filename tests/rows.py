"""Iterators of batches for either engine: MXNet's where it is installed, else densefit's."""

import numpy as np

import densefit as df
from densefit.data.batch import ArraySpec, Batch


class PlainIter:
    """Base of iterators with `reset` and `next`, as mx.io.DataIter."""

    def __init__(self, batch_size=0):
        self.batch_size = batch_size

    def __iter__(self):
        return self

    def __next__(self):
        return self.next()


#: Base of a test's own iterators: MXNet's where it is installed.
DataIter = df.interop.mxnet.mx.io.DataIter if df.interop.is_installed else PlainIter


class Rows(PlainIter):
    """Batches of rows of arrays, as mx.io.NDArrayIter's: the last is filled with first rows.

    Args:
        data: array by name of the input.
        labels: array by name of the label.
        batch_size: rows of a batch.
        last_batch_handle: "discard" leaves out a last batch that is not full.
    """

    def __init__(self, data, labels, batch_size, last_batch_handle="pad"):
        self.data, self.labels = (
            {n: a.astype(np.float32) if a.dtype == np.float64 else a for n, a in part.items()}
            for part in (data, labels)
        )
        super().__init__(batch_size)
        self.keeps_rest = last_batch_handle == "pad"
        self.num_data = len(next(iter(data.values())))
        self.provide_data, self.provide_label = self._specs(self.data), self._specs(self.labels)
        self.reset()

    def _specs(self, arrays):
        return [
            ArraySpec(name, (self.batch_size, *array.shape[1:]), array.dtype)
            for name, array in arrays.items()
        ]

    def reset(self):
        self.at = 0

    def next(self):
        rows = np.arange(self.at, self.at + self.batch_size)
        self.at += self.batch_size
        real = min(self.num_data - rows[0], self.batch_size)
        if real < (1 if self.keeps_rest else self.batch_size):
            raise StopIteration
        take = {
            kind: {name: array.take(rows, axis=0, mode="wrap") for name, array in arrays.items()}
            for kind, arrays in (("data", self.data), ("labels", self.labels))
        }
        return Batch(take["data"], take["labels"], real=int(real))


def iterator_of_arrays(data, labels=None, batch_size=1, **settings):
    """Iterate as users of the installed engine do: MXNet's NDArrayIter, or `Rows`."""
    data = data if isinstance(data, dict) else {"data": data}
    labels = {} if labels is None else labels
    labels = labels if isinstance(labels, dict) else {"softmax_label": labels}
    if not df.interop.is_installed:
        return Rows(data, labels, batch_size, **settings)
    from densefit.backend import mx

    return mx.io.NDArrayIter(data, labels, batch_size, **settings)


def own_batch(iterator, data, labels, pad=0, **announced):
    """Make a batch of `DataIter` of arrays in the order that the iterator announces them.

    Args:
        iterator: iterator with `provide_data` and `provide_label`.
        data: arrays of the inputs.
        labels: arrays of the labels.
        pad: rows at the end that are no samples.
        announced: `provide_data` and `provide_label` of this batch, which MXNet's Module reads.
    """
    if df.interop.is_installed:
        from densefit.backend import mx

        arrays = ([mx.nd.array(array) for array in part] for part in (data, labels))
        return mx.io.DataBatch(*arrays, pad, **announced)
    named = (
        {spec[0]: array for spec, array in zip(specs, arrays)}
        for specs, arrays in ((iterator.provide_data, data), (iterator.provide_label, labels))
    )
    return Batch(*named, real=len(data[0]) - pad)


def arrays_of(batch):
    """Inputs, labels and rows of padding of a batch."""
    if isinstance(batch, Batch):
        return [*batch.data.values()], [*batch.labels.values()], batch.rows - batch.real
    return batch.data, batch.label, batch.pad


def fill_data(batch, value):
    """Fill the inputs of a batch with a value."""
    if isinstance(batch, Batch):
        batch.data = {name: np.full_like(array, value) for name, array in batch.data.items()}
    else:
        batch.data = [array * 0 + value for array in batch.data]


class Changed(DataIter):
    """An iterator that announces what `inner` does, and yields what `take(inner)` gives."""

    def __init__(self, inner, take):
        super().__init__(inner.batch_size)
        self.inner, self.take = inner, take
        self.provide_data, self.provide_label = inner.provide_data, inner.provide_label

    def reset(self):
        self.inner.reset()

    def next(self):
        return self.take(self.inner)
