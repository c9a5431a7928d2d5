"""Operators, initializers and names that heads and backbones build graphs with.

    from densefit.symbol import init, sym

    weight = sym.Variable("age_weight", init=init.Normal(0.01))
    logits = sym.FullyConnected(data, weight, num_hidden=100, name="age")

They are MXNet's. Graphs that import them from here, and nothing from `densefit.backend`, depend on
no engine.
"""

from densefit.backend import mx

sym = mx.sym
init = mx.init
Symbol = mx.sym.Symbol
NameManager = mx.name.NameManager

__all__ = ["NameManager", "Symbol", "init", "sym"]
