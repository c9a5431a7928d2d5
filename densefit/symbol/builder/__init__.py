"""A builder of MXNet's Symbols that needs no MXNet.

`sym` has the functions of `mx.sym`, `Symbol` the methods of its Symbol. The JSON of a graph is
the same as MXNet's, and so are names, arguments, auxiliary states and shapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from densefit.symbol.builder import json_format, random, special
from densefit.symbol.builder.functions import Namespace, aliases_by_namespace
from densefit.symbol.builder.names import AttrScope, NameManager, Prefix
from densefit.symbol.builder.symbol import Symbol

__all__ = ["AttrScope", "NameManager", "Prefix", "Symbol", "read_graph", "sym"]

_SPECIAL = (
    "Group Variable arange eye full histogram hypot linspace load load_json maximum minimum ones "
    "pow power split_v2 var zeros"
).split()
_RANDOM = (
    "exponential gamma generalized_negative_binomial multinomial negative_binomial normal poisson "
    "randint randn shuffle uniform"
).split()


def read_graph(graph: Mapping[str, Any]) -> Symbol:
    """Build a Symbol from its JSON, parsed."""
    return Symbol(json_format.read(graph))


def _namespace() -> Namespace:
    """MXNet's `mx.sym`."""
    aliases = aliases_by_namespace()
    values: dict[str, Any] = {name: getattr(special, name) for name in _SPECIAL}
    for name in sorted(set(aliases) - {"random"}):
        values[name] = Namespace(f"sym.{name}", aliases[name])
    draws = {name: getattr(random, name) for name in _RANDOM}
    values["random"] = Namespace("sym.random", aliases["random"], draws)
    return Namespace("sym", aliases["op"], {**values, "Symbol": Symbol})


sym = _namespace()
