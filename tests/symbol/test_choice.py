"""Which builder `densefit.symbol` takes: MXNet's, densefit's, or what DENSEFIT_SYMBOL says."""

import os
import sys

import pytest

from densefit import symbol
from densefit.engine.types import SymbolLike
from densefit.model.network import Network, is_symbol
from densefit.symbol import builder, initializers
from tests import forked


def chosen(variable, has_mxnet=True):
    code = "import sys\n" + ("" if has_mxnet else "sys.modules['mxnet'] = None\n")
    code += """
import densefit.errors
try:
    from densefit.symbol import NameManager, Symbol, init, load_graph, sym
except densefit.errors.DensefitError as error:
    print(type(error).__name__, error)
else:
    graph = {"nodes": [{"op": "null", "name": "µ", "inputs": []}], "arg_nodes": [0],
             "heads": [[0, 0, 0]]}
    print(Symbol.__module__, NameManager.__module__, init.__name__, load_graph(graph).name,
          type(sym.Variable("x")) is Symbol)
"""
    done = forked.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "DENSEFIT_SYMBOL": variable, "PYTHONIOENCODING": "utf-8"},
        timeout=300,
        forget=["densefit"] if has_mxnet else ["densefit", "mxnet"],
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.mxnet
@pytest.mark.parametrize("variable", ["", "mxnet"])
def test_mxnets_where_it_is(variable):
    theirs = ["mxnet.symbol.symbol", "mxnet.name", "mxnet.initializer"]
    assert chosen(variable).split() == [*theirs, "µ", "True"]


@pytest.mark.parametrize(("variable", "has_mxnet"), [("densefit", True), ("", False)])
def test_densefits_where_it_is_not_or_is_asked_for(variable, has_mxnet):
    own = [
        f"densefit.symbol.{name}" for name in ("builder.symbol", "builder.names", "initializers")
    ]
    assert chosen(variable, has_mxnet).split() == [*own, "µ", "True"]


def test_errors():
    assert "DENSEFIT_SYMBOL names a builder" in chosen("tensorflow")
    assert 'pip install "densefit[mxnet]"' in chosen("mxnet", has_mxnet=False)


def test_a_symbol_is_a_model():
    network = check_model(builder.sym)
    assert not is_symbol(None)
    assert not is_symbol(network)


def test_a_symbol_of_mxnet_is_a_model(mx):
    check_model(mx.sym)


def check_model(s):
    net = s.SoftmaxOutput(s.FullyConnected(s.Variable("data"), num_hidden=3), name="softmax")
    assert is_symbol(net)
    assert isinstance(net, SymbolLike)
    network = Network(symbol=net)
    assert list(network.adapters) == ["softmax"]
    assert network.graph("train") is net
    return network


def test_the_names_of_initializers_are_there_in_both():
    for name in initializers.__all__:
        if name not in ("He", "values"):
            assert hasattr(symbol.init, name), name
