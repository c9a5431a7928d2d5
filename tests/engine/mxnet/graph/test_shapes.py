"""Shapes inferred before a graph is bound."""

import numpy as np
import pytest

from densefit.backend import mx
from densefit.engine.mxnet.graph.shapes import infer_shapes, inner_outputs
from densefit.errors import BindError
from densefit.model.symbol_graph import SymbolGraph


def test_shapes(tiny):
    known, outputs = infer_shapes(tiny.conv_bn(), {"data": (4, 2, 6, 6)}, ["kind"])
    assert known["conv_weight"] == (4, 2, 3, 3)
    assert known["conv_bn_moving_mean"] == (4,)
    assert known["kind_label"] == (4,)
    assert outputs == {"kind": (4, 3)}


def test_shapes_that_contradict_or_are_missing(tiny):
    with pytest.raises(BindError, match="(?s)do not fit.*head kind.*kind"):
        infer_shapes(tiny.kind(), {"data": (4, 6), "kind_label": (4, 9)}, ["kind"])
    with pytest.raises(BindError, match=r"(?s)Not every shape.*\['data'"):
        infer_shapes(tiny.kind(), {}, ["kind"])


def test_inner_outputs_of_layers_with_one_name():
    """Each has a shape and a type; the type of a cast is its own."""
    x = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=3, name="same")
    x = mx.sym.cast(mx.sym.sum(x, axis=1, name="same"), dtype="float64", name="cast")
    graph = SymbolGraph.of(
        mx.sym.split(mx.sym.expand_dims(x, axis=0, name="expanded"), num_outputs=2, name="split")
    )
    inner = inner_outputs(graph, {"data": (4, 6)}, {})
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


def test_shapes_that_cannot_be_inferred_are_empty():
    graph = SymbolGraph.of(mx.sym.relu(mx.sym.Variable("data")))
    assert {shape for shape, _ in inner_outputs(graph, {}, {}).values()} == {()}
