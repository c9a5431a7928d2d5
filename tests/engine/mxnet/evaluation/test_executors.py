"""Executors of several shapes on one set of parameters."""

import numpy as np
import pytest

from densefit.backend import mx
from densefit.engine.evaluation.program import EvalProgram
from densefit.engine.graph.fold_batchnorm import fold
from densefit.engine.mxnet.evaluation.executors import Executors
from densefit.errors import BindError
from densefit.model.symbol_graph import SymbolGraph


def graph(shared):
    """Convolution and BatchNorm; with `shared`, something that forbids to fold them."""
    layer = mx.sym.Convolution(mx.sym.Variable("data"), num_filter=3, kernel=(3, 3), name="conv")
    norm = mx.sym.BatchNorm(layer, fix_gamma=False, name="norm")
    return mx.sym.Group([mx.sym.tanh(norm)] + ([mx.sym.tanh(layer)] if shared else []))


def values(seed):
    rng = np.random.default_rng(seed)
    arguments, _, states = graph(False).infer_shape(data=(1, 2, 8, 8))
    names = [*graph(False).list_arguments(), *graph(False).list_auxiliary_states()]
    shapes = dict(zip(names, [*arguments, *states]))
    del shapes["data"]
    return {n: rng.uniform(0.1, 1, shape).astype(np.float32) for n, shape in shapes.items()}


def reference(symbol, parameters, data):
    known = {n: mx.nd.array(value) for n, value in parameters.items()}
    known["data"] = data
    executor = symbol.bind(
        mx.cpu(),
        {name: known[name].copy() for name in symbol.list_arguments()},
        grad_req="null",
        aux_states={name: known[name].copy() for name in symbol.list_auxiliary_states()},
    )
    return executor.forward(is_train=False)[0].asnumpy()


def batch(size, rows=3):
    return mx.nd.array(np.random.default_rng(size).normal(size=(rows, 2, size, size)))


def bound(executors, symbol, key, data, parameters, devices=None):
    graph, folds = fold(SymbolGraph.of(symbol))
    folded = graph.symbol
    program = EvalProgram(folded, folds, {"data": data.shape}, {"data": np.float32})
    return executors.bind(key, program, devices or [mx.cpu()], data.shape[0], lambda: parameters)


@pytest.mark.parametrize("devices", [1, 2])
def test_all_shapes_see_new_values_whether_a_graph_can_be_folded_or_not(devices):
    """One name then has two values, the folded one and its own."""
    executors, parameters = Executors(8), values(0)
    contexts = [mx.cpu(number) for number in range(devices)]
    made = [
        (graph(shared), batch(size), (shared, size)) for shared in (False, True) for size in (8, 9)
    ]
    for symbol, data, key in made:
        bound(executors, symbol, key, data, parameters, contexts)
    for seed in (0, 1, 2):
        parameters = values(seed)
        executors.load(lambda now=parameters: now)
        for symbol, data, key in made:
            found = executors.find(key).forward({"data": data.asnumpy()})[0].asnumpy()
            np.testing.assert_allclose(found, reference(symbol, parameters, data), atol=1e-5)
    assert executors.binds == 4


def test_those_used_last_are_kept():
    executors, parameters = Executors(2), values(0)
    for size in (8, 9):
        bound(executors, graph(False), size, batch(size), parameters)
    assert executors.find(8) is not None
    bound(executors, graph(False), 10, batch(10), parameters)
    assert executors.find(9) is None
    assert executors.find(8) is not None
    assert executors.find(10) is not None
    executors.drop()
    assert executors.find(8) is None


def test_outputs_of_one_are_not_overwritten_by_another():
    executors, parameters = Executors(2), values(0)
    one, other = (bound(executors, graph(False), n, batch(n), parameters) for n in (8, 9))
    found = one.forward({"data": batch(8).asnumpy()})[0]
    expected = found.asnumpy()
    other.forward({"data": batch(9).asnumpy()})[0].wait_to_read()
    np.testing.assert_array_equal(found.asnumpy(), expected)


def test_what_mxnet_refuses_is_told():
    with pytest.raises(BindError, match="eval graph"):
        bound(Executors(1), graph(False), 2, batch(2), values(0))  # smaller than the kernel


def test_large_inputs_have_few_executors_and_one_at_least():
    executors, parameters = Executors(8, values=2 * 3 * 2 * 16 * 16), values(0)
    for size in (12, 8, 8.5, 40, 8):
        data = batch(int(size), rows=3 if size == int(size) else 2)
        bound(executors, graph(False), size, data, parameters)
    # 40 x 40 is larger than all that is allowed, and was kept alone until the next came
    kept = [size for size in (12, 8.5, 40, 8) if executors.find(size) is not None]
    assert kept == [8]
    for size in (9, 10):
        bound(executors, graph(False), size, batch(size), parameters)
    assert [size for size in (8, 9, 10) if executors.find(size) is not None] == [8, 9, 10]
    bound(executors, graph(False), 20, batch(20), parameters)
    assert [size for size in (8, 9, 10, 20) if executors.find(size) is not None] == [10, 20]
