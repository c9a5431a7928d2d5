"""MXNet's iterators inside a user's iterator, which may use their rows in any way."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from densefit.errors import DataError
from densefit.interop.iterators.chain import chain_of
from densefit.interop.iterators.origins import Ending
from densefit.interop.mxnet import mx
from densefit.once import warn_once

_log = logging.getLogger("densefit")

_WHY = {
    Ending.UNTOLD: "ends with rows that nobody filled, and calls them samples",
    Ending.DROPPED: "leaves out the samples that do not fill a batch",
    Ending.ROUNDED: "fills up its last batch with samples of the next epoch and calls them padding",
    Ending.CARRIED: "begins an epoch with samples left from the last one and calls them padding",
}


def tell_inside(iterator: Any) -> None:
    """Warn of an MXNet iterator inside a user's iterator that misstates its rows.

    Args:
        iterator: a user's iterator, whose stated rows and padding are trusted.
    """
    for inner in _inner_iterators(iterator):
        try:
            chain = chain_of(inner)
        except DataError:  # created before the import
            continue
        why = None if chain is None else _WHY.get(chain.origin.ending)
        if chain is not None and why is not None and not chain.origin.is_divisible():
            warn_once(
                _log,
                "%s holds an iterator that is not read right by what it says: %s %s. densefit "
                "takes the rows and the padding that %s states",
                *(type(iterator).__name__, chain.name, why, type(iterator).__name__),
            )


def _inner_iterators(iterator: Any) -> Iterator[Any]:
    """Yield the iterators in an object's attributes, and in lists and dicts there."""
    for value in vars(iterator).values() if hasattr(iterator, "__dict__") else ():
        parts = value.values() if isinstance(value, Mapping) else value
        for part in parts if isinstance(value, (Mapping, list, tuple)) else (value,):
            if isinstance(part, mx.io.DataIter):
                yield part
