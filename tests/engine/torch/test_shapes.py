"""Shapes inferred without MXNet are those that MXNet infers."""

import pytest

from densefit.backend import mx
from densefit.engine.mxnet.graph import shapes as by_mxnet
from densefit.engine.torch.shapes import infer_shapes
from densefit.errors import BindError
from densefit.model.symbol_graph import SymbolGraph

V = mx.sym.Variable
CASES = {
    "layer norm": (mx.sym.LayerNorm(V("d"), output_mean_var=True), {"d": (2, 4, 3)}),
    "group norm": (mx.sym.GroupNorm(V("d"), num_groups=2), {"d": (2, 4, 3, 3)}),
    "instance norm": (mx.sym.InstanceNorm(V("d")), {"d": (2, 4, 3, 3)}),
    "softmax of maps": (mx.sym.SoftmaxOutput(V("d"), multi_output=True), {"d": (2, 4, 3, 5)}),
    "softmax, a map of labels": (
        mx.sym.SoftmaxOutput(V("d"), V("l"), multi_output=True),
        {"d": (2, 4, 3, 5), "l": (2, 3, 5)},
    ),
    "softmax, shape kept": (mx.sym.SoftmaxOutput(V("d"), preserve_shape=True), {"d": (2, 4, 3)}),
    "probabilities": (mx.sym.SoftmaxOutput(V("d"), V("l")), {"d": (2, 4), "l": (2, 4)}),
    "regression": (mx.sym.LinearRegressionOutput(V("d")), {"d": (2, 3)}),
    "one output": (mx.sym.LinearRegressionOutput(V("d")), {"d": (2, 1)}),
    "label of a matrix": (
        mx.sym.MAERegressionOutput(V("d"), V("l")), {"d": (2, 6), "l": (2, 3, 2)}
    ),
    "svm": (mx.sym.SVMOutput(V("d")), {"d": (2, 6)}),
    "prelu": (mx.sym.LeakyReLU(V("d"), act_type="prelu"), {"d": (2, 6, 3, 3)}),
    "bilinear": (
        mx.sym.UpSampling(V("d"), V("w"), scale=3, sample_type="bilinear", num_filter=3),
        {"d": (2, 3, 4, 4)},
    ),
    "a convolution in groups": (
        mx.sym.Convolution(V("d"), num_filter=6, kernel=(3, 3), num_group=2, no_bias=True),
        {"d": (2, 4, 5, 5)},
    ),
    "deconvolution": (
        mx.sym.Deconvolution(
            V("d"), num_filter=6, kernel=(3, 3), num_group=2, adj=(1, 0), stride=(2, 2)
        ),
        {"d": (2, 4, 5, 7)},
    ),
    "dense, not flat": (
        mx.sym.FullyConnected(V("d"), num_hidden=3, flatten=False), {"d": (2, 4, 5)}
    ),
    "embedding": (mx.sym.Embedding(V("d"), input_dim=4, output_dim=5), {"d": (2, 3)}),
    "a partner": (V("d") + mx.sym.Activation(mx.sym.exp(V("l")), act_type="tanh"), {"d": (2, 3)}),
    "a later partner": (mx.sym.add_n(V("a"), V("b"), V("c")), {"c": (2, 3)}),
    "a shape of its own": (mx.sym.dot(V("d"), V("w", shape=(3, 4))), {"d": (2, 3)}),
    "pick": (mx.sym.pick(V("d"), V("i"), axis=1), {"d": (2, 3, 4)}),
    "sequence": (
        mx.sym.SequenceMask(V("d"), V("n"), use_sequence_length=True), {"d": (2, 3, 4)}
    ),
    "a begin state": (mx.sym.zeros((0, 3)) + V("d"), {"d": (2, 3)}),
    "batch norm on an axis": (mx.sym.BatchNorm(V("d"), axis=-1), {"d": (2, 3, 4)}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_shapes_are_those_of_mxnet(case):
    symbol, shapes = CASES[case]
    expected = by_mxnet.infer_shapes(symbol, shapes, [])
    inferred = infer_shapes(SymbolGraph.of(symbol), shapes, [])
    assert expected == inferred


REFUSED = {
    "partners": (V("a") - V("b"), {"a": (2, 3), "b": (3, 2)}),
    "no broadcast": (V("a") - V("b"), {"a": (2, 3), "b": (1, 3)}),
    "map of labels": (
        mx.sym.SoftmaxOutput(V("d"), V("l"), multi_output=True),
        {"d": (2, 4, 3, 5), "l": (2, 5, 3)},
    ),
    "column of labels": (mx.sym.SoftmaxOutput(V("d"), V("l")), {"d": (2, 4), "l": (2, 1)}),
    "flat labels": (mx.sym.LinearRegressionOutput(V("d"), V("l")), {"d": (2, 6), "l": (12,)}),
    "weight": (
        mx.sym.FullyConnected(V("d"), V("w", shape=(3, 9)), num_hidden=3), {"d": (2, 4)}
    ),
    "concat": (mx.sym.concat(V("a"), V("b"), dim=0), {"a": (2, 3), "b": (2, 4)}),
    "split": (mx.sym.split(V("d"), num_outputs=2), {"d": (2, 3)}),
    "kernel beyond the map": (
        mx.sym.Convolution(V("d"), kernel=(3, 3), num_filter=2), {"d": (1, 1, 2, 2)}
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_contradictions_name_the_node(case):
    symbol, shapes = REFUSED[case]
    with pytest.raises(BindError, match="do not fit"):
        by_mxnet.infer_shapes(symbol, shapes, [])
    node = symbol.name
    with pytest.raises(BindError, match=f"(?s)do not fit.*'{node}'"):
        infer_shapes(SymbolGraph.of(symbol), shapes, [])


def test_a_reshape_that_does_not_fit_is_refused():
    """MXNet infers (1, 4) and leaves two elements out."""
    graph = SymbolGraph.of(mx.sym.reshape(V("d"), shape=(-1, 4), name="rows"))
    with pytest.raises(BindError, match="(?s)do not fit.*'rows'"):
        infer_shapes(graph, {"d": (2, 3)}, [])
