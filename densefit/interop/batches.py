"""Named batches of gluon's and PyTorch's DataLoaders, and of any other iterable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from densefit import adapters
from densefit.data.batch import ArraySpec, Batch
from densefit.errors import DataError
from densefit.interop.data_batch import copy_ndarray
from densefit.interop.loader_settings import loader_settings
from densefit.interop.mxnet import mx


def _is_iterable(data: Any) -> bool:
    return not hasattr(data, "provide_data") and hasattr(data, "__iter__")


@adapters.batches.register(_is_iterable)
def named(
    data: Any,
    data_names: Sequence[str] | None = None,
    label_names: Sequence[str] | None = None,
    where: str = "train",
) -> NamedBatches:
    """Give an iterable's batches the names of a model's inputs."""
    return NamedBatches(data, data_names, label_names, where)


def batches(
    iterable: Any, data: Sequence[str] = ("data",), labels: Sequence[str] = ("softmax_label",)
) -> NamedBatches:
    """Give names to the batches of a DataLoader, or of any other iterable.

    Args:
        iterable: an iterable over batches, once an epoch: (data, label) pairs, each an array or a
            list of arrays; flat lists of arrays; or dicts name -> array. Arrays are NDArrays,
            numpy arrays or PyTorch tensors whose first axis counts the samples.
        data: names of the network's inputs.
        labels: names of the labels.

    Returns:
        Data for `fit`, `score` and `predict`. Each row of a batch is a sample. `score` refuses a
        DataLoader that drops or repeats samples, and warns if a custom sampler drops samples or
        cannot be checked; see docs/mxnet-iterators.md.

    Raises:
        DataError: the iterable can be read only once, or its batches have other arrays.

    Example:
        >>> import densefit as df, numpy as np
        >>> pairs = [(np.ones((4, 3)), np.zeros(4)), (np.ones((2, 3)), np.zeros(2))]
        >>> df.interop.batches(pairs, labels=["y"]).provide_label
        [ArraySpec(name='y', shape=(4,), dtype=<class 'numpy.float32'>, layout='NCHW')]
    """
    return NamedBatches(iterable, list(data), list(labels), "train")


class NamedBatches:
    """Named batches of an iterable.

    Args:
        iterable: see `batches`.
        data_names: names of the inputs; None: "data", or the keys that are not labels.
        label_names: names of the labels; None for no labels.
        where: purpose of the data, e.g. "train", named in errors.

    Attributes:
        iterable: the iterable.
        provide_data, provide_label: specs of the first batch.
        settings: settings of a DataLoader; None for any other iterable.
        first_carried: number of samples carried over into the first epoch; None if unknown.
    """

    def __init__(
        self,
        iterable: Any,
        data_names: Sequence[str] | None,
        label_names: Sequence[str] | None,
        where: str,
    ) -> None:
        self._where = where
        self._kind = f"{type(iterable).__module__}.{type(iterable).__name__}"
        if isinstance(iterable, Mapping):
            raise self._single(iterable)
        self.settings = loader_settings(iterable)
        self.first_carried = None if self.settings is None else self.settings.carried
        begun = iter(iterable)
        # A user's iterator that returns itself may still restart; builtin iterators do not.
        if begun is iterable and type(iterable).__module__ in ("builtins", "itertools"):
            raise self._spent()
        self.iterable = iterable
        self._data_names, self._label_names = data_names, label_names
        first = next(begun, None)
        if first is None:
            raise DataError(f"The {where} data yielded no batch", received=self._kind)
        self._begun: Iterator[Any] | None = _from(first, begun)
        data, label = self._arrays(first)
        self.provide_data = [_desc(name, array) for name, array in data.items()]
        self.provide_label = [_desc(name, array) for name, array in label.items()]
        self.batch_size = self.provide_data[0].shape[0]

    @property
    def is_begun(self) -> bool:
        """Return whether the next epoch's first batch was already read for its shapes."""
        return self._begun is not None

    def __len__(self) -> int:
        return len(self.iterable)

    def reset(self) -> None:
        """Do nothing: each iteration starts a new epoch."""

    def __iter__(self) -> Iterator[Batch]:
        batches, self._begun = self._begun, None
        is_empty = True
        for batch in iter(self.iterable) if batches is None else batches:
            is_empty = False
            data, label = self._arrays(batch)
            named_batch = Batch(data, label, real=0)
            named_batch.real = named_batch.rows
            yield named_batch
        if is_empty:
            raise self._spent()

    def _single(self, batch: Mapping[Any, Any]) -> DataError:
        return DataError(
            f"The {self._where} data are a single batch, a dict of arrays",
            expected="an iterable over batches, each a dict name -> array or a (data, label) pair; "
            "for predict also an array of the input `data`",
            received=f"{self._kind} with the keys {', '.join(map(repr, batch)) or 'none'}"[:200],
            fix="a list of one batch, [{'data': array, ...}], or of several",
        )

    def _spent(self) -> DataError:
        return DataError(
            f"The {self._where} data can be read once only",
            expected="an iterable that begins anew for each epoch",
            received=self._kind,
            fix="give what makes it: a DataLoader, a list, or an object whose __iter__ begins anew",
        )

    def _arrays(self, batch: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Split a batch into (data, labels) by name."""
        if isinstance(batch, Mapping):
            labels = set(self._label_names or ())
            by_name = {str(name): _array(value) for name, value in batch.items()}
            required = self._data_names
            if required is not None and not set(required) <= set(by_name):
                raise self._unfit(f"arrays called {[*required, *labels]}", sorted(by_name))
            return (
                {name: value for name, value in by_name.items() if name not in labels},
                {name: value for name, value in by_name.items() if name in labels},
            )
        parts = list(batch) if isinstance(batch, (list, tuple)) else [batch]
        arrays = [
            _array(array)
            for part in parts
            for array in (part if isinstance(part, (list, tuple)) else [part])
        ]
        data = list(self._data_names or ["data"])
        names = [*data, *(self._label_names or ())]
        if len(arrays) == len(data):  # no labels: prediction
            names = data
        if len(arrays) != len(names):
            raise self._unfit(names, [tuple(array.shape) for array in arrays])
        named = dict(zip(names, arrays))
        return {n: named[n] for n in data}, {n: a for n, a in named.items() if n not in data}

    def _unfit(self, expected: Any, received: Any) -> DataError:
        return DataError(
            f"A batch of the {self._where} data has other arrays than the names say",
            expected=expected,
            received=received,
            where=self._kind,
            fix="say what they are: df.interop.batches(loader, data=[...], labels=[...])",
        )


def _from(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    """Yield the first batch and the rest, without calling `iter`, which might reset `rest`."""
    yield first
    while True:
        try:
            batch = next(rest)
        except StopIteration:
            return
        yield batch


def _array(value: Any) -> Any:
    """Copy an NDArray, a numpy array, a PyTorch tensor or a list of numbers as a numpy array."""
    if isinstance(value, mx.nd.NDArray):
        return copy_ndarray(value)
    if hasattr(value, "detach"):  # PyTorch's
        value = value.detach().cpu().numpy()
    array = np.array(value)
    if array.dtype.kind not in "fiub":
        raise DataError(
            "A batch holds something else than numbers",
            expected="NDArrays, numpy arrays or tensors of numbers",
            received=f"{type(value).__name__} of {array.dtype}",
            fix="leave it out of the batch",
        )
    if array.dtype == np.bool_:
        array = array.astype(np.uint8)
    if array.ndim == 0:
        raise DataError(
            "A batch holds a single number, which has no rows",
            expected="arrays whose first axis counts the samples",
            received=repr(value),
            fix="iterate over batches of samples: (data, label) pairs or dicts of arrays",
        )
    if array.dtype == np.float64 or array.dtype.kind in "iu" and array.dtype.itemsize in (2,):
        array = array.astype(np.float32)  # as mx.nd.array and NDArrayIter do
    elif array.dtype.kind == "u" and array.dtype.itemsize > 1:
        array = array.astype(np.int64)
    return array


def _desc(name: str, array: Any) -> Any:
    return ArraySpec(name, array.shape, array.dtype.type)
