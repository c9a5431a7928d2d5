"""Normalization of the backbone for each head, between convolutions that all heads share.

Tasks, and datasets behind tasks, differ in the statistics of their features: a scale, a shift and
moving statistics for each head let one set of filters serve all (Bilen and Vedaldi 2017,
arXiv:1701.07275: universal representations; Li et al. 2016, arXiv:1603.04779).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from densefit.errors import ConfigError
from densefit.model.heads.features import Features
from densefit.model.sharing.feature_symbols import symbols_of, with_symbols
from densefit.model.sharing.residual_adapters import adapted
from densefit.model.symbol_graph import Node, SymbolGraph
from densefit.symbol import sym

#: Ends of the names of what a normalization has; see `densefit.model.normalization`.
ENDS = ("_gamma", "_beta", "_moving_mean", "_moving_var")


def normalized_by_head(
    features: Mapping[str, Features], copies: Mapping[str, str], adapts: bool = False
) -> tuple[dict[str, Features], dict[str, str]]:
    """Give each head scales, shifts and moving statistics of its own, in all normalizations.

    What is behind the first of them is computed once for each head, by the same filters.

    Args:
        features: of the backbone, by head.
        copies: layer or parameter that some heads have of their own -> its name in the backbone.
        adapts: whether the convolutions between them have adapters of each head, too.

    Returns:
        Features by head, and the copies in them.

    Raises:
        ConfigError: the backbone has no normalization, or nothing to adapt.
    """
    symbols = {head: symbols_of(read) for head, read in features.items()}
    graph = SymbolGraph.of(sym.Group([symbol for part in symbols.values() for symbol in part]))
    behind = _behind(graph)
    outputs, ends = [], iter(graph.heads)
    by_head = dict(copies)
    for head, part in symbols.items():
        read = [next(ends) for _ in part]
        renamed: dict[Node, Node] = {}
        for node in graph.select(read).nodes:
            renamed[node] = node
            original = copies.get(node.name, node.name)
            name = f"{head}_{original}"
            if node in behind and not (node.is_variable and node.name == name):
                inputs = tuple(source._replace(node=renamed[source.node]) for source in node.inputs)
                renamed[node] = replace(node, name=name, inputs=inputs)
                by_head[name] = original
                if adapts:
                    renamed[node] = adapted(renamed[node])
        outputs += [output._replace(node=renamed[output.node]) for output in read]
    whole = graph.select(outputs)
    names = {node.name for node in whole.nodes}
    if adapts and not any(name.endswith("_adapter_weight") for name in names):
        raise ConfigError(
            "The backbone has no convolution that an adapter fits beside",
            expected="one wider than 1x1, behind a normalization, that pads both sides alike",
            where=f"adapt_by_head, heads {', '.join(features)}",
            fix="another backbone, or normalize_by_head alone",
        )
    result, position = {}, 0
    for head, part in symbols.items():
        maps = [whole.symbol[position + number] for number in range(len(part))]
        position += len(part)
        result[head] = with_symbols(features[head], maps)
    return result, {name: original for name, original in by_head.items() if name in names}


def _behind(graph: SymbolGraph) -> set[Node]:
    """The parameters and statistics of normalizations, and all that is computed with them."""
    behind = {node for node in graph.nodes if node.is_variable and node.name.endswith(ENDS)}
    if not behind:
        names = [node.name for node in graph.nodes if node.is_variable and node.name != "data"]
        raise ConfigError(
            "The backbone has no normalization that heads could have of their own",
            expected=f"parameters whose names end with {', '.join(ENDS)}",
            received=", ".join([*names[:4], *["..."][: len(names) > 4]]),
            where="normalize_by_head",
            fix="another backbone, or leave normalize_by_head out",
        )
    for node in graph.nodes:
        if any(source.node in behind for source in node.inputs):
            behind.add(node)
    return behind
