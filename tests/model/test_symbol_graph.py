"""Symbols as nodes, there and back."""

from dataclasses import replace

import pytest

import densefit as df
from densefit.model.symbol_graph import VARIABLE, Node, Output, SymbolGraph
from densefit.symbol import init, sym


def text(symbol):
    return symbol.tojson(remove_amp_cast=False)


def rebuilt(graph):
    """The same nodes as a new Symbol."""
    return graph.select(graph.heads).symbol


def loops():
    """A control flow operator, whose body is a graph of its own."""
    data, state = sym.Variable("data"), sym.Variable("state")
    outputs, states = sym.contrib.foreach(lambda x, s: (x + s, x * s), data, state)
    return sym.Group([outputs, states])


def shared_statistics():
    """Two layers that write to one moving mean: it has versions."""
    x, norm = sym.Variable("data"), ("gamma", "beta", "moving_mean", "moving_var")
    same = {name: sym.Variable(f"one_{name}") for name in norm}
    return sym.BatchNorm(sym.BatchNorm(x, name="a", **same), name="b", **same)


def network(mode):
    heads = [df.head("detection", classes=["a", "b"]), df.head("segmentation", classes=3)]
    return df.Network("resnet18", heads, settings={"width": 8}).graph(mode, (64, 64))


@pytest.mark.parametrize(
    "make",
    [
        lambda: network("train"),
        lambda: network("evaluate"),
        lambda: sym.Variable("größe", init=init.Normal(0.1)) * 2,
        lambda: sym.split(sym.Variable("x"), num_outputs=3)[2] + 1,
        lambda: sym.Group([sym.Variable("a"), sym.Variable("a"), sym.relu()]),
        shared_statistics,
        pytest.param(loops, marks=pytest.mark.mxnet),  # which alone builds them
    ],
    ids=["train", "evaluate", "unicode", "outputs", "inputs", "versions", "control flow"],
)
def test_a_symbol_comes_back_to_the_last_byte(make):
    symbol = make()
    graph = SymbolGraph.of(symbol)
    assert graph.symbol is symbol
    assert text(rebuilt(graph)) == text(symbol)
    internals, outputs = graph.select(graph.heads).internals
    names = [name.split("_output")[0] for name in internals.list_outputs()]
    assert len(outputs) == len(names)
    assert all(name.startswith(out.node.name) for name, out in zip(names, outputs))


def test_nodes_and_their_readers():
    x = sym.Variable("x")
    y = sym.FullyConnected(x, num_hidden=2, no_bias=True, name="fc")
    graph = SymbolGraph.of(sym.Group([y * y, y]))
    nodes = {node.name: node for node in graph.nodes}
    fc = nodes["fc"]
    assert [node.name for node in graph.nodes][:3] == ["x", "fc_weight", "fc"]
    assert (nodes["x"].op, nodes["x"].is_variable, fc.is_variable) == (VARIABLE, True, False)
    assert [reader.op for reader in graph.readers[fc]] == ["elemwise_mul", "elemwise_mul"]
    assert (graph.uses(fc), graph.uses(nodes["x"])) == (3, 1)
    assert list(graph.outputs) == [f"{graph.heads[0].node.name}", "fc"]
    assert (fc.attr("num_hidden"), fc.attr("absent", "3")) == ("2", "3")
    assert (fc.flag("no_bias"), fc.flag("flatten"), fc.flag("flatten", True)) == (True, False, True)


def test_rewriting_leaves_the_graph_and_drops_what_nothing_reads():
    x = sym.relu(sym.broadcast_add(sym.Variable("x"), sym.Variable("b")), name="act")
    symbol = sym.tanh(x, name="out")
    graph = SymbolGraph.of(symbol)

    def change(node, new):
        if node.op == "relu":  # the sum, in its place
            return new.inputs[0].node
        return new.with_input(1, Node(VARIABLE, "c")) if node.op == "broadcast_add" else new

    changed = graph.rewrite(change)
    assert changed.symbol.list_arguments() == ["x", "c"]
    assert changed.symbol.list_outputs() == ["out_output"]
    assert [node.op for node in changed.nodes] == [VARIABLE, VARIABLE, "broadcast_add", "tanh"]
    assert text(graph.symbol) == text(rebuilt(graph)) == text(symbol)
    assert graph.rewrite(lambda _, node: node) is graph


def test_passes_follow_each_other_without_a_symbol_between():
    graph = SymbolGraph.of(sym.relu(sym.relu(sym.Variable("x"), name="a"), name="b"))
    for _ in range(2):
        graph = graph.rewrite(
            lambda _, node: (
                Node("_copy", f"{node.name}_copy", (Output(node),))
                if node.is_variable
                else replace(node, name=f"{node.name}2")
            )
        )
    assert [node.name for node in graph.nodes] == ["x", "x_copy", "x_copy2", "a22", "b22"][:1] + [
        *("x_copy", "x_copy2", "a22", "b22")
    ]
    assert graph.symbol.list_outputs() == ["b22_output"]


def test_casts_of_mixed_precision_are_nodes_or_left_out():
    cast = sym.amp_cast(sym.Variable("w"), dtype="float16", name="cast")
    symbol = sym.FullyConnected(sym.Variable("x"), cast, num_hidden=2, no_bias=True)
    with_casts, without = (SymbolGraph.of(symbol, amp_casts=flag) for flag in (True, False))
    assert [sum(node.op == "amp_cast" for node in g.nodes) for g in (with_casts, without)] == [1, 0]
    assert without.nodes[1].name == "w"


def test_a_graph_of_thousands_of_layers():
    x = sym.Variable("x")
    for _ in range(3000):
        x = x + 1
    graph = SymbolGraph.of(x)
    assert text(rebuilt(graph)) == text(x)
