"""Shapes inferred before a graph is bound, by each engine that is installed."""

from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pytest

from densefit.engine.selection import REQUIRED
from densefit.errors import BindError
from densefit.model.symbol_graph import SymbolGraph
from densefit.symbol import sym

MODULES = {"mxnet": "densefit.engine.mxnet.graph.shapes", "torch": "densefit.engine.torch.shapes"}


class Shapes:
    """Inference of an engine: of Symbols, and inside graphs."""

    def __init__(self, engine):
        module = import_module(MODULES[engine])
        self.inner, self._infer, self._engine = module.inner_outputs, module.infer_shapes, engine

    def infer(self, symbol, *arguments):
        return self._infer(
            symbol if self._engine == "mxnet" else SymbolGraph.of(symbol), *arguments
        )


@pytest.fixture(
    params=[
        pytest.param(
            name,
            marks=pytest.mark.mxnet
            if name == "mxnet"
            else pytest.mark.skipif(
                find_spec(REQUIRED[name]) is None, reason=f"{REQUIRED[name]} is not installed"
            ),
        )
        for name in MODULES
    ]
)
def shapes(request):
    return Shapes(request.param)


def test_shapes(tiny, shapes):
    known, outputs = shapes.infer(tiny.conv_bn(), {"data": (4, 2, 6, 6)}, ["kind"])
    assert known["conv_weight"] == (4, 2, 3, 3)
    assert known["conv_bn_moving_mean"] == (4,)
    assert known["kind_label"] == (4,)
    assert outputs == {"kind": (4, 3)}


def test_shapes_that_contradict_or_are_missing(tiny, shapes):
    with pytest.raises(BindError, match="(?s)do not fit.*head kind.*kind"):
        shapes.infer(tiny.kind(), {"data": (4, 6), "kind_label": (4, 9)}, ["kind"])
    with pytest.raises(BindError, match=r"(?s)Not every shape.*\['data'"):
        shapes.infer(tiny.kind(), {}, ["kind"])


def test_inner_outputs_of_layers_with_one_name(shapes):
    """Each has a shape and a type; the type of a cast is its own."""
    x = sym.FullyConnected(sym.Variable("data"), num_hidden=3, name="same")
    x = sym.cast(sym.sum(x, axis=1, name="same"), dtype="float64", name="cast")
    graph = SymbolGraph.of(
        sym.split(sym.expand_dims(x, axis=0, name="expanded"), num_outputs=2, name="split")
    )
    inner = shapes.inner(graph, {"data": (4, 6)}, {})
    outputs = [(node.name, index, *inner[node, index]) for node, index in inner]
    assert outputs[0] == ("data", 0, (4, 6), np.float32)
    assert outputs[3:] == [
        ("same", 0, (4, 3), np.float32),
        ("same", 0, (4,), np.float32),
        ("cast", 0, (4,), np.float64),
        ("expanded", 0, (1, 4), np.float64),
        ("split", 0, (1, 2), np.float64),
        ("split", 1, (1, 2), np.float64),
    ]


def test_shapes_that_cannot_be_inferred_are_empty(shapes):
    graph = SymbolGraph.of(sym.relu(sym.Variable("data")))
    assert {shape for shape, _ in shapes.inner(graph, {}, {}).values()} == {()}
