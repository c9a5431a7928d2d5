"""Outputs of one number per batch: means over samples, and others."""

from densefit.backend import mx
from densefit.engine.graph.sample_means import numbers_of
from densefit.engine.mxnet.graph.inference import MXNetInference
from densefit.model.symbol_graph import SymbolGraph


def test_a_mean_of_rows_is_a_mean_and_a_sum_is_not():
    x, y = mx.sym.Variable("data"), mx.sym.Variable("label")
    gain = mx.sym.negative(mx.sym.mean(x * y), name="gain")
    shapes = {"data": (4, 3), "label": (4, 3)}
    assert numbers_of(MXNetInference(), SymbolGraph.of(gain), shapes, 4) == {"gain": ""}
    total = SymbolGraph.of(mx.sym.sum(x, name="total"))
    reasons = numbers_of(MXNetInference(), total, {"data": (4, 3)}, 4)
    assert reasons == {"total": "'total' (sum) takes all samples together"}
