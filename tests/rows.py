"""Iterators of batches for either engine: MXNet's where it is installed, else densefit's."""

import numpy as np

import densefit as df
from densefit.data.batch import ArraySpec, Batch


class Rows:
    """Batches of rows of arrays, as mx.io.NDArrayIter's: the last is filled with first rows.

    Args:
        data: array by name of the input.
        labels: array by name of the label.
        batch_size: rows of a batch.
        last_batch_handle: "discard" leaves out a last batch that is not full.
    """

    def __init__(self, data, labels, batch_size, last_batch_handle="pad"):
        self.data, self.labels = data, labels
        self.batch_size, self.keeps_rest = batch_size, last_batch_handle == "pad"
        self.num_data = len(next(iter(data.values())))
        self.provide_data, self.provide_label = self._specs(data), self._specs(labels)
        self.reset()

    def _specs(self, arrays):
        return [
            ArraySpec(name, (self.batch_size, *array.shape[1:])) for name, array in arrays.items()
        ]

    def reset(self):
        self.at = 0

    def __iter__(self):
        return self

    def __next__(self):
        rows = np.arange(self.at, self.at + self.batch_size)
        self.at += self.batch_size
        real = min(self.num_data - rows[0], self.batch_size)
        if real < (1 if self.keeps_rest else self.batch_size):
            raise StopIteration
        take = {
            kind: {
                name: array.take(rows, axis=0, mode="wrap").astype(np.float32)
                for name, array in arrays.items()
            }
            for kind, arrays in (("data", self.data), ("labels", self.labels))
        }
        return Batch(take["data"], take["labels"], real=int(real))

    next = __next__


def iterator_of_arrays(data, labels=None, batch_size=1, **settings):
    """Iterate as users of the installed engine do: MXNet's NDArrayIter, or `Rows`."""
    data = data if isinstance(data, dict) else {"data": data}
    labels = labels if labels is None or isinstance(labels, dict) else {"softmax_label": labels}
    if not df.interop.is_installed:
        return Rows(data, labels or {}, batch_size, **settings)
    from densefit.backend import mx

    return mx.io.NDArrayIter(data, labels, batch_size, **settings)


class Changed:
    """An iterator that announces what `inner` does, and yields what `take(inner)` gives."""

    def __init__(self, inner, take):
        self.inner, self.take, self.batch_size = inner, take, inner.batch_size
        self.provide_data, self.provide_label = inner.provide_data, inner.provide_label

    def reset(self):
        self.inner.reset()

    def __iter__(self):
        return self

    def __next__(self):
        return self.take(self.inner)

    next = __next__


def changed(inner, take):
    """`Changed`, which is an mx.io.DataIter where MXNet is installed."""
    if not df.interop.is_installed:
        return Changed(inner, take)
    from densefit.backend import mx

    class ChangedDataIter(Changed, mx.io.DataIter):
        pass

    return ChangedDataIter(inner, take)
