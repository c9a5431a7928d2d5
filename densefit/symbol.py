"""Operators, initializers and names that heads and backbones build graphs with.

    from densefit.symbol import init, sym

    weight = sym.Variable("age_weight", init=init.Normal(0.01))
    logits = sym.FullyConnected(data, weight, num_hidden=100, name="age")

They are MXNet's. Graphs that import them from here, and nothing from `densefit.backend`, depend on
no engine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from densefit.backend import mx

sym = mx.sym
init = mx.init
Symbol = mx.sym.Symbol
NameManager = mx.name.NameManager

__all__ = ["NameManager", "Symbol", "init", "load_graph", "sym"]


def load_graph(graph: Mapping[str, Any]) -> Any:
    """Build a Symbol from its JSON, parsed.

    MXNet's reader of JSON knows no escapes of Unicode: names are written as they are.
    """
    return sym.load_json(json.dumps(graph, ensure_ascii=False))
