"""Recurrent cells of mx.rnn: begin states whose batch size is open."""

import numpy as np
import pytest

from densefit.backend import mx
from densefit.engine.mxnet.graph import shapes as by_mxnet
from densefit.engine.torch.shapes import infer_shapes
from densefit.model.symbol_graph import SymbolGraph
from tests.engine.torch.compare import same

rnn = mx.rnn
CELLS = {
    "lstm": lambda: rnn.LSTMCell(6),
    "gru": lambda: rnn.GRUCell(6),
    "tanh": lambda: rnn.RNNCell(6),
    "both directions": lambda: rnn.BidirectionalCell(
        rnn.LSTMCell(3, prefix="l_"), rnn.LSTMCell(3, prefix="r_")
    ),
    "fused": lambda: rnn.FusedRNNCell(6, num_layers=2, mode="lstm"),
}


@pytest.mark.parametrize("kind", CELLS)
def test_unrolled(kind):
    outputs, _ = CELLS[kind]().unroll(4, mx.sym.Variable("data"), layout="NTC", merge_outputs=True)
    symbol = mx.sym.FullyConnected(mx.sym.reshape(outputs, shape=(-1, 6)), num_hidden=5, name="out")
    sizes = {"data": (3, 4, 7)}
    shapes, results = infer_shapes(SymbolGraph.of(symbol), sizes, [])
    assert (shapes, results) == by_mxnet.infer_shapes(symbol, sizes, [])
    rng = np.random.default_rng(0)
    values = {name: 0.5 * rng.normal(size=shape) for name, shape in shapes.items()}
    same(symbol, {name: value.astype(np.float32) for name, value in values.items()}, 3e-6)
