"""Cuts of graphs whose trunks are known."""

import pytest

from densefit.engine.graph.trunk_cut import cut_trunk
from densefit.errors import ConfigError
from densefit.model.symbol_graph import SymbolGraph
from densefit.symbol import sym


def dense(x, name):
    return sym.FullyConnected(x, num_hidden=2, name=name)


def cut(losses, trained=None):
    """The cut of a graph with a loss for each head."""
    outputs = [sym.MakeLoss(loss, name=f"{head}_loss") for head, loss in losses.items()]
    symbol = sym.Group(outputs)
    names = [n for n in symbol.list_arguments() if n not in ("data", "label")]
    heads = {f"{head}_loss": head for head in losses}
    return cut_trunk(SymbolGraph.of(symbol), heads, trained or names, "here")


def features(found):
    """Layer of each feature -> heads that send it gradients."""
    layers = [head.node.name for head in found.trunk.heads]
    return {name: set(readers) for name, readers in zip(layers, found.readers)}


def operators(graph):
    return {node.name for node in graph.nodes if not node.is_variable}


def test_the_trunk_ends_where_a_head_alone_goes_on():
    trunk = dense(dense(sym.Variable("data"), "stem"), "body")
    found = cut({"a": dense(trunk, "a_fc"), "b": dense(trunk, "b_fc")})
    assert features(found) == {"body": {"a", "b"}}
    assert operators(found.trunk) == {"stem", "body"}
    assert operators(found.heads) == {"a_fc", "b_fc", "a_loss", "b_loss"}
    assert found.features == ["feature0_body"]
    assert "feature0_body" in found.heads.symbol.list_arguments()
    assert "data" not in found.heads.symbol.list_arguments()
    assert found.heads.symbol.list_outputs() == ["a_loss_output", "b_loss_output"]


def test_several_maps_of_which_a_head_reads_some():
    first = dense(sym.Variable("data"), "first")
    second = dense(first, "second")
    losses = {"a": dense(first, "a_fc") + dense(second, "a_up"), "b": dense(second, "b_fc")}
    assert features(cut(losses)) == {"first": {"a"}, "second": {"a", "b"}}


def test_a_layer_of_two_of_three_heads_is_of_the_trunk():
    trunk = dense(sym.Variable("data"), "trunk")
    pair = dense(trunk, "pair")
    found = cut({"a": dense(pair, "a_fc"), "b": dense(pair, "b_fc"), "c": dense(trunk, "c_fc")})
    assert features(found) == {"pair": {"a", "b"}, "trunk": {"c"}}


def test_what_is_read_without_a_gradient_is_cut_too():
    trunk = dense(sym.Variable("data"), "trunk")
    stopped = sym.BlockGrad(trunk)
    losses = {"a": dense(trunk, "a_fc"), "b": dense(trunk, "b_fc") * stopped}
    found = cut(losses)
    assert features(found) == {"trunk": {"a", "b"}}
    assert "trunk" not in operators(found.heads)


def test_a_map_that_only_one_head_sends_gradients_to_has_that_reader():
    first = dense(sym.Variable("data"), "first")
    second = dense(first, "second")
    read = sym.broadcast_mul(dense(second, "a_fc"), sym.BlockGrad(first))
    found = cut({"a": read, "b": dense(second, "b_fc")})
    assert features(found) == {"first": set(), "second": {"a", "b"}}


def test_one_output_of_several_is_a_feature():
    halves = sym.SliceChannel(dense(sym.Variable("data"), "trunk"), num_outputs=2, name="halves")
    found = cut({"a": dense(halves[1], "a_fc"), "b": dense(halves[1], "b_fc")})
    assert [(head.node.name, head.number) for head in found.trunk.heads] == [("halves", 1)]


def test_different_features_are_refused():
    trunk = dense(sym.Variable("data"), "trunk")
    halves = sym.SliceChannel(trunk, num_outputs=2, name="halves")
    with pytest.raises(ConfigError, match="different features") as raised:
        cut({"a": dense(halves[0], "a_fc"), "b": dense(halves[1], "b_fc")})
    assert "halves: a" in str(raised.value)
    assert "at='parameters'" in str(raised.value)


def test_a_parameter_that_heads_read_themselves_is_refused():
    trunk, weight = dense(sym.Variable("data"), "trunk"), sym.Variable("tied_weight")
    losses = {
        head: sym.FullyConnected(trunk, weight, no_bias=True, num_hidden=2, name=f"{head}_fc")
        for head in "ab"
    }
    with pytest.raises(ConfigError, match="tied_weight"):
        cut(losses)
