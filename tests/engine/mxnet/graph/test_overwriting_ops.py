"""Parameters that are read by operators whose gradients overwrite: micro-batches add up."""

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.engine.mxnet.graph.bfloat16 import bfloat16_works
from densefit.engine.mxnet.graph.overwriting_ops import with_added_gradients
from densefit.model.symbol_graph import SymbolGraph


def with_copies(symbol, names):
    return with_added_gradients(SymbolGraph.of(symbol), names).symbol


def regularised():
    """A loss in which some parameters are read by such operators only."""
    x = mx.sym.Variable("data")
    for name, change in (("a", lambda w: mx.sym.flip(w, axis=1)),
                         ("b", lambda w: mx.sym.clip(w, -9, 9))):  # fmt: skip
        weight = change(mx.sym.Variable(f"{name}_weight", shape=(3, 3)))
        x = mx.sym.tanh(mx.sym.dot(x, weight, transpose_b=True))
    return mx.sym.MakeLoss(mx.sym.sum(mx.sym.square(x), axis=1), name="loss")


def trained(symbol, batch_size, precision="float32", **settings):
    """Parameters after one update by 8 samples."""
    data = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    network = df.Network(symbol=symbol, routes={"a": df.Route(["loss"], [])})
    df.fit(
        network, mx.io.NDArrayIter(data, batch_size=batch_size), updates=1, seed=3,
        schedule=df.Constant(0.1), precision=precision, **settings,
    )  # fmt: skip
    return dict(network.parameters)


def test_micro_batches_train_what_a_whole_batch_does():
    whole = trained(regularised(), 8)
    parts = trained(regularised(), 2, accumulate=4)
    for name in whole:
        np.testing.assert_allclose(parts[name], whole[name], rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.skipif(not bfloat16_works(), reason="this processor has no bfloat16")
def test_micro_batches_in_bfloat16_do_too():
    """All layers read their weights by a cast, which overwrites: nothing was trained."""
    x = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=3, name="fc")
    symbol = mx.sym.MakeLoss(mx.sym.sum(mx.sym.square(x), axis=1), name="loss")
    whole = trained(symbol, 8, "bfloat16")
    parts = trained(symbol, 2, "bfloat16", accumulate=4)
    for name in whole:
        np.testing.assert_allclose(parts[name], whole[name], rtol=0.02, atol=1e-3, err_msg=name)


def test_a_symbol_without_such_operators_stays_the_same():
    x = mx.sym.FullyConnected(mx.sym.clip(mx.sym.Variable("data"), 0, 1), num_hidden=3, name="fc")
    assert with_copies(x, {"fc_weight", "fc_bias"}) is x
    names = regularised().list_arguments()
    changed = with_copies(regularised(), names)
    assert changed.list_arguments() == names
    assert changed.list_outputs() == ["loss_output"]
