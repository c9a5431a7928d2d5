"""Layers of classes that the source has in part: common rows are kept, the others drawn."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from densefit.model.host_arrays import to_numpy
from densefit.model.network import Network
from densefit.model.parameters import SIZE, shapes
from densefit.model.symbol_graph import SymbolGraph
from densefit.symbol import initializers

Rows = Mapping[str, Sequence[Hashable]]
_SEED = 0


def merged(
    network: Network,
    name: str,
    array: np.ndarray,
    theirs: Sequence[Hashable],
    ours: Sequence[Hashable],
) -> np.ndarray:
    """A parameter's value, or the one that it would begin with, with the rows of a source.

    Args:
        network: the network.
        name: a parameter whose rows are of classes.
        array: the source's.
        theirs: names of its rows.
        ours: names of the network's rows.
    """
    values = _values(network, name)
    indices: dict[Hashable, int] = {}
    for index, row in enumerate(theirs):
        indices.setdefault(row, index)
    for index, row in enumerate(ours):
        if row in indices:
            values[index] = array[indices[row]].reshape(values.shape[1:])
    return values


def grow(
    network: Network,
    arrays: dict[str, Any],
    sources: Mapping[str, str],
    lacking: Iterable[str],
    theirs: Rows,
    ours: Rows,
) -> dict[str, list[str]]:
    """Complete layers that lack some of the network's classes, in place.

    Args:
        network: the network.
        arrays: name in the network -> array of the source.
        sources: name in the network -> name in the source.
        lacking: names of arrays that lack classes.
        theirs: name in the source -> names of its rows.
        ours: name in the network -> names of its rows.

    Returns:
        Parameter -> its new classes. A layer of no common class, or of another width, is left out.
    """
    grown = {}
    for name in lacking:
        array, there = to_numpy(arrays[name]), theirs[sources[name]]
        fits = array.shape[1:] == shapes(network)[name][1:] and len(there) == len(array)
        if fits and {*there} & {*ours[name]}:
            arrays[name] = merged(network, name, array, there, ours[name])
            new = [row for row in ours[name] if row not in {*there}]
            grown[name] = list(dict.fromkeys(str(_class_of(row)) for row in new))
    return grown


def _class_of(row: Hashable) -> Any:
    """The class of a row: of several anchors, rows are (..., class)."""
    return row[-1] if isinstance(row, tuple) else row


def _values(network: Network, name: str) -> np.ndarray:
    present = {**network.parameters, **network.statistics}.get(name)
    if present is not None:
        return np.array(present)
    nodes = SymbolGraph.of(network.peek("train", SIZE)).nodes
    attrs = next((node.attrs for node in nodes if node.name == name), {})
    return initializers.values(name, shapes(network)[name], _SEED, attrs=attrs)
