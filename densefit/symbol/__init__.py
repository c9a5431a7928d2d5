"""Operators, initializers and names that heads and backbones build graphs with.

    from densefit.symbol import init, sym

    weight = sym.Variable("age_weight", init=init.Normal(0.01))
    logits = sym.FullyConnected(data, weight, num_hidden=100, name="age")

They are MXNet's where MXNet can be imported, and densefit's own (`densefit.symbol.builder`,
`densefit.symbol.initializers`) where it cannot, or where the environment variable DENSEFIT_SYMBOL
is "densefit". The graphs are the same. Code that imports these names from here, and nothing from
`densefit.backend`, depends on no engine.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from densefit.errors import ConfigError, EngineError
from densefit.symbol import builder, initializers

VARIABLE = "DENSEFIT_SYMBOL"

__all__ = ["NameManager", "Symbol", "init", "is_symbol", "load_graph", "sym"]


def _mxnet() -> Any:
    """MXNet, or None where graphs are built without it."""
    choice = os.environ.get(VARIABLE, "")
    if choice not in ("", "densefit", "mxnet"):
        raise ConfigError(
            f"{VARIABLE} names a builder of graphs", expected="densefit or mxnet", received=choice
        )
    if choice == "densefit":
        return None
    try:
        from densefit.backend import mx
    except EngineError:
        if choice == "mxnet":
            raise
        return None
    return mx


_mx = _mxnet()
sym: Any = builder.sym if _mx is None else _mx.sym
init: Any = initializers if _mx is None else _mx.init
Symbol: Any = builder.Symbol if _mx is None else _mx.sym.Symbol
NameManager: Any = builder.NameManager if _mx is None else _mx.name.NameManager


def is_symbol(value: Any) -> bool:
    """Return whether a value is a Symbol, MXNet's or densefit's."""
    mxnet = sys.modules.get("mxnet")
    kinds = (Symbol, builder.Symbol, *([mxnet.symbol.Symbol] if mxnet is not None else []))
    return isinstance(value, kinds)


def load_graph(graph: Mapping[str, Any]) -> Any:
    """Build a Symbol from its JSON, parsed.

    MXNet's reader of JSON knows no escapes of Unicode: names are written as they are.
    """
    if _mx is None:
        return builder.read_graph(graph)
    return sym.load_json(json.dumps(graph, ensure_ascii=False))
