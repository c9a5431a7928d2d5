"""Chains of iterators: wrappers around the iterator that reads data."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from densefit.errors import DataError
from densefit.interop.batches import NamedBatches
from densefit.interop.iterators.data_loaders import Loaders
from densefit.interop.iterators.native import NATIVE, Native
from densefit.interop.iterators.observed import observation
from densefit.interop.iterators.origins import Origin
from densefit.interop.iterators.prefetching_iter import guard_prefetching_iter
from densefit.interop.iterators.python_origins import Images, NDArrays
from densefit.interop.loader_settings import loader_settings
from densefit.interop.mxnet import mx


class Chain:
    """Wrappers around an origin, from the outermost to the innermost.

    A wrapper is a PrefetchingIter, a ResizeIter or a user's `mx.io.DataIter` that holds another
    iterator in an attribute and passes on all its batches.

    Args:
        wrappers: iterators around the origin.
        origin: the iterator that reads data.

    Attributes:
        wrappers, origin: as above.
        resize: the ResizeIter among the wrappers, or None.
        is_users: whether a wrapper is of a user's class, which may select among the batches.
    """

    def __init__(self, wrappers: Sequence[Any], origin: Origin) -> None:
        self.wrappers, self.origin = list(wrappers), origin
        resizes = [iterator for iterator in self.wrappers if isinstance(iterator, mx.io.ResizeIter)]
        self.resize: Any = resizes[0] if resizes else None
        library_wrappers = (mx.io.ResizeIter, mx.io.PrefetchingIter)
        self.is_users = not all(
            isinstance(iterator, library_wrappers) for iterator in self.wrappers
        )
        self._prefetching = [
            iterator for iterator in wrappers if isinstance(iterator, mx.io.PrefetchingIter)
        ]
        self._ahead = len(self._prefetching)
        outside = self.wrappers[: self.wrappers.index(self.resize)] if resizes else []
        self._ahead_of_resize = sum(iterator in self._prefetching for iterator in outside)
        if len(resizes) > 1:
            raise DataError(
                "An mx.io.ResizeIter is wrapped in another one",
                expected="one ResizeIter",
                received=self.name,
                fix="use the outer ResizeIter around the iterator in the inner one",
            )
        if origin.reuses_arrays and self._ahead:
            raise DataError(
                "A PrefetchingIter around an ImageRecordIter(ctx='cpu') mixes batches up: all are "
                "in one array, which is filled again while the batch is used",
                received=self.name,
                fix="leave out ctx='cpu', or the PrefetchingIter",
            )

    @property
    def name(self) -> str:
        """Return the names of all iterators, such as "PrefetchingIter(CSVIter)"."""
        names = [type(iterator).__name__ for iterator in self.wrappers]
        return "(".join([*names, self.origin.name]) + ")" * len(names)

    def settle(self) -> None:
        """Wait until every PrefetchingIter has read its next batch."""
        for wrapper in self._prefetching:
            for ready in wrapper.data_ready:
                ready.wait()

    def batches_given(self) -> int | None:
        """Return the number of batches yielded since the origin's last reset; None if unknown."""
        self.settle()
        read = self.origin.batches_read
        has_ended = any(iterator.next_batch[0] is None for iterator in self._prefetching[:1])
        return None if read is None else max(int(has_ended), read - self._ahead)

    def is_at_start(self) -> bool:
        """Return whether the next batch starts an epoch."""
        is_started = self.batches_given() == 0
        if self.resize is None:
            return is_started
        is_resize_at_start = max(0, int(self.resize.cur) - self._ahead_of_resize) == 0
        return is_resize_at_start and (is_started or not self.resize.reset_internal)


def chain_of(iterator: Any) -> Chain | None:
    """Return the chain from an iterator down to its origin; None without a known origin.

    Raises:
        DataError: samples cannot be distinguished from padding, or iterators are incompatible.
    """
    wrappers: list[Any] = []
    while True:
        origin = origin_of(iterator)
        if origin is not None:
            return Chain(wrappers, origin)
        inner = _inner(iterator)
        if inner is None or any(inner is wrapper for wrapper in wrappers):
            return None
        guard_prefetching_iter(iterator)
        wrappers.append(iterator)
        iterator = inner


def _inner(iterator: Any) -> Any:
    """Return the iterator in a wrapper; None if `iterator` is not a wrapper."""
    if isinstance(iterator, mx.io.PrefetchingIter):
        if len(iterator.iters) > 1:
            _check_alike(iterator)
        return iterator.iters[0]
    if isinstance(iterator, mx.io.ResizeIter):
        return iterator.data_iter
    if not isinstance(iterator, mx.io.DataIter) or not _is_its_own_iterator(iterator):
        return None
    inner_iterators = [
        value for value in vars(iterator).values() if isinstance(value, mx.io.DataIter)
    ]
    is_one = bool(inner_iterators) and all(value is inner_iterators[0] for value in inner_iterators)
    return inner_iterators[0] if is_one and _rows(iterator) == _rows(inner_iterators[0]) else None


def _is_its_own_iterator(iterator: Any) -> bool:
    """Return whether `__iter__` only returns the object, without a reset of its own."""
    code = getattr(type(iterator).__iter__, "__code__", None)
    return code is not None and not code.co_names and not code.co_flags & inspect.CO_GENERATOR


def _rows(iterator: Any) -> int | None:
    """Return the number of rows of a batch by `provide_data`."""
    try:
        return int(iterator.provide_data[0][1][0])
    except (AttributeError, IndexError, TypeError):
        return None


def _check_alike(prefetching: Any) -> None:
    """Raise DataError unless the iterators in a PrefetchingIter yield the same rows."""
    chains = [chain_of(iterator) for iterator in prefetching.iters]
    with_origin = [chain for chain in chains if chain is not None]
    states = {
        (chain.origin.ending, chain.origin.samples, chain.origin.batch_size)
        for chain in with_origin
    }
    if len(with_origin) not in (0, len(chains)) or len(states) > 1:
        raise DataError(
            "The iterators in an mx.io.PrefetchingIter have different epochs",
            expected="the same number of samples, batch size and treatment of the last batch",
            received=[
                type(iterator).__name__ if c is None else c.name
                for iterator, c in zip(prefetching.iters, chains)
            ],
            fix="make them with the same settings",
        )


def origin_of(iterator: Any) -> Origin | None:
    """Return the origin of an iterator that reads data; None for a wrapper or an unknown kind.

    Raises:
        DataError: a C++ iterator was created before densefit was imported.
    """
    if isinstance(iterator, mx.io.NDArrayIter):
        return NDArrays(iterator)
    if isinstance(iterator, mx.image.ImageIter):
        return Images(iterator)
    if isinstance(iterator, NamedBatches):
        settings = iterator.settings
        return None if settings is None else Loaders(iterator, settings, iterator.first_carried)
    if isinstance(iterator, mx.contrib.io.DataLoaderIter):
        settings = loader_settings(iterator._loader)
        return None if settings is None else Loaders(iterator, settings)
    if not isinstance(iterator, mx.io.MXDataIter):
        return None
    seen = observation(iterator)
    if seen is None:
        raise DataError(
            "The settings of an iterator are unknown, so its last rows may be samples or not",
            expected="an iterator made after densefit was imported",
            received="an mx.io.MXDataIter (ImageRecordIter, CSVIter, ...), which forgets its "
            "settings, made before",
            fix="import densefit before making the iterator",
        )
    return Native(iterator, seen) if seen.kind in NATIVE else None
