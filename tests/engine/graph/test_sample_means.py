"""Outputs of one number per batch: means over samples, and others."""

from densefit.engine.graph.sample_means import numbers_of
from densefit.engine.selection import engine_name
from densefit.model.symbol_graph import SymbolGraph
from densefit.symbol import sym
from tests.engine.graph.inferences import inference_of


def test_a_mean_of_rows_is_a_mean_and_a_sum_is_not():
    inference = inference_of(engine_name())
    x, y = sym.Variable("data"), sym.Variable("label")
    gain = sym.negative(sym.mean(x * y), name="gain")
    shapes = {"data": (4, 3), "label": (4, 3)}
    assert numbers_of(inference, SymbolGraph.of(gain), shapes, 4) == {"gain": ""}
    total = SymbolGraph.of(sym.sum(x, name="total"))
    reasons = numbers_of(inference, total, {"data": (4, 3)}, 4)
    assert reasons == {"total": "'total' (sum) takes all samples together"}
