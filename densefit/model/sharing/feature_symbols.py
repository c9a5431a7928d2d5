"""The Symbols of a backbone's features, as a list and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from densefit.model.heads.features import Features
from densefit.model.symbol_graph import Output, SymbolGraph


def symbols_of(features: Features) -> list[Any]:
    """The maps by stride as they are listed, then the map for auxiliary heads if there is one."""
    auxiliary = [features.auxiliary.symbol] if features.auxiliary else []
    return [*features.maps.values(), *auxiliary]


def with_symbols(features: Features, symbols: Sequence[Any]) -> Features:
    """A copy with other Symbols, in the order of `symbols_of`."""
    result = replace(features, maps=dict(zip(features.maps, symbols)))
    if features.auxiliary:
        result = replace(result, auxiliary=replace(features.auxiliary, symbol=symbols[-1]))
    return result


def features_by_head(
    features: Features, graph: SymbolGraph, outputs: Mapping[str, Sequence[Output]]
) -> tuple[dict[str, Features], set[str]]:
    """Make features of outputs of one graph.

    Args:
        features: of the backbone.
        graph: any graph of the backbone, for its attributes.
        outputs: head -> outputs in the order of `symbols_of(features)`.

    Returns:
        Features by head, and names of all nodes that they are computed from.
    """
    whole = graph.select([output for part in outputs.values() for output in part])
    result, position = {}, 0
    for head, part in outputs.items():
        symbols = [whole.symbol[position + number] for number in range(len(part))]
        result[head] = with_symbols(features, symbols)
        position += len(part)
    return result, {node.name for node in whole.nodes}
