"""Graphs are built with densefit.symbol."""

from densefit.backend import mx
from densefit.symbol import NameManager, Symbol, init, sym


def test_a_graph_is_mxnets():
    """Same operators, initializers and names as a program has that builds its graph with MXNet."""

    def graph(sym, init, manager):
        with manager():
            weight = sym.Variable("weight", init=init.Normal(0.01))
            return sym.FullyConnected(sym.flatten(sym.Variable("data")), weight, num_hidden=3)

    built = graph(sym, init, NameManager)
    assert isinstance(built, Symbol)
    assert built.tojson() == graph(mx.sym, mx.init, mx.name.NameManager).tojson()
    assert built.list_arguments()[-1] == "fullyconnected0_bias"
