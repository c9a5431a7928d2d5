"""Symbols that MXNet can bind."""

from __future__ import annotations

from typing import Any

from densefit.backend import mx


def as_mxnet(symbol: Any) -> Any:
    """MXNet's Symbol of a graph that densefit's builder made; MXNet's own are returned."""
    if isinstance(symbol, mx.sym.Symbol):
        return symbol
    return mx.sym.load_json(symbol.tojson(remove_amp_cast=False))
