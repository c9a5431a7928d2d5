"""BatchNorm equals MXNet's: outputs, gradients and moving statistics."""

import numpy as np
import pytest
import torch

from densefit.backend import mx
from densefit.engine.torch.program import Program, Run
from densefit.model.symbol_graph import SymbolGraph
from tests.engine.torch.compare import close, same

X = mx.sym.Variable("x")


def values_of(symbol, **shapes):
    arguments, _, states = symbol.infer_shape(**shapes)
    rng = np.random.default_rng(0)
    values = {
        name: rng.normal(0.5, 2, shape).astype(np.float32)
        for name, shape in zip(symbol.list_arguments(), arguments)
    }
    for name, shape in zip(symbol.list_auxiliary_states(), states):
        values[name] = rng.uniform(0.5, 2, shape).astype(np.float32)
    return values


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("settings", [
    {"fix_gamma": False},
    {"fix_gamma": True},
    {"fix_gamma": False, "use_global_stats": True},
    {"fix_gamma": False, "momentum": 0.5, "eps": 0.1},
    {"fix_gamma": False, "momentum": 0.0},
])  # fmt: skip
@pytest.mark.parametrize("shape", [(4, 3, 5, 6), (8, 3), (4, 3, 7)])
def test_statistics_and_gradients(training, settings, shape):
    symbol = mx.sym.BatchNorm(X, name="bn", **settings)
    values = values_of(symbol, x=shape)
    same(symbol, values, 5e-6, gradients=training, training=training)


@pytest.mark.parametrize("axis", [1, 2, -1, 0])
def test_other_axes(axis):
    symbol = mx.sym.BatchNorm(X, name="bn", axis=axis, fix_gamma=False)
    same(symbol, values_of(symbol, x=(3, 4, 5)), 5e-6)


@pytest.mark.parametrize("training", [False, True])
def test_all_outputs(training):
    symbol = mx.sym.BatchNorm(X, name="bn", fix_gamma=False, output_mean_var=True)
    symbol = mx.sym.Group(list(symbol))
    values = values_of(symbol, x=(4, 3, 2, 2))
    same(symbol, values, 5e-6, gradients=training, training=training)


def test_one_value_of_each_channel():
    """The variance is 0, not undefined as torch's unbiased one."""
    symbol = mx.sym.BatchNorm(X, name="bn", fix_gamma=False)
    same(symbol, values_of(symbol, x=(1, 3)), 1e-5)


def test_small_variances_and_large_means():
    symbol = mx.sym.BatchNorm(X, name="bn", fix_gamma=False, eps=1e-5)
    values = values_of(symbol, x=(4, 3, 5, 6))
    values["x"] = values["x"] * 1e-4 + 1
    same(symbol, values, 2e-3)


@pytest.mark.parametrize("operator", ["BatchNormWithReLU", "SyncBatchNorm"])
def test_contributed(operator):
    settings = {"key": "k", "ndev": 1} if operator == "SyncBatchNorm" else {}
    symbol = getattr(mx.sym.contrib, operator)(X, name="bn", fix_gamma=False, **settings)
    same(symbol, values_of(symbol, x=(4, 3, 5, 6)), 5e-6)


def test_two_layers_of_one_statistic():
    """Both move it."""
    shared = {
        name: mx.sym.Variable(f"s_{name}")
        for name in ("gamma", "beta", "moving_mean", "moving_var")
    }
    symbol = mx.sym.BatchNorm(X, name="a", fix_gamma=False, momentum=0.5, **shared)
    symbol = mx.sym.BatchNorm(symbol * 3 + 1, name="b", fix_gamma=False, momentum=0.5, **shared)
    same(symbol, values_of(symbol, x=(4, 3, 5)), 1e-5)


@pytest.mark.parametrize("fixed", [False, True])
def test_ranks_of_a_batch_equal_the_whole_batch(fixed):
    """Two threads sum as two ranks would; outputs, gradients and statistics are the batch's."""
    symbol = mx.sym.contrib.SyncBatchNorm(X, name="bn", fix_gamma=fixed, key="k", ndev=1)
    values = values_of(symbol, x=(5, 3, 4, 2))
    program = Program(SymbolGraph.of(symbol))
    head = np.random.default_rng(1).normal(size=(5, 3, 4, 2)).astype(np.float32)
    whole = rank(program, values, head, None)
    parts = run_together(
        [
            lambda reduce, rows=rows: rank(
                program, {**values, "x": values["x"][rows]}, head[rows], reduce
            )
            for rows in (slice(0, 2), slice(2, 5))
        ]
    )
    for kind in ("output", "x"):
        joined = np.concatenate([part[kind] for part in parts])
        close(whole[kind], joined, 1e-5, kind)
    close(whole["bn_beta"], sum(part["bn_beta"] for part in parts), 1e-5, "beta")
    if not fixed:
        close(whole["bn_gamma"], sum(part["bn_gamma"] for part in parts), 1e-5, "gamma")
    for name in ("bn_moving_mean", "bn_moving_var"):
        close(whole[name], parts[0][name], 1e-6, name)
        assert np.array_equal(parts[0][name], parts[1][name])


def rank(program, values, head, reduce):
    tensors = {name: torch.from_numpy(value.copy()) for name, value in values.items()}
    for name in ("x", "bn_gamma", "bn_beta"):
        tensors[name].requires_grad_()
    run = Run(training=True, reduce=reduce)
    (out,) = program(tensors, run)
    out.backward(torch.from_numpy(head))
    gradients = {
        name: tensor.grad.numpy() for name, tensor in tensors.items() if tensor.grad is not None
    }
    moved = {name: value.numpy() for name, value in run.statistics.items()}
    return {"output": out.detach().numpy(), **gradients, **moved}


def run_together(ranks):
    """Results of functions that each call `reduce` equally often, in threads."""
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    barrier, slots = Barrier(len(ranks), timeout=20), [None] * len(ranks)

    def reducer(number):
        def reduce(x):
            slots[number] = x.clone()
            barrier.wait()
            total = sum(slots[1:], slots[0].clone())
            barrier.wait()
            return total

        return reduce

    with ThreadPoolExecutor(len(ranks)) as pool:
        futures = [pool.submit(call, reducer(n)) for n, call in enumerate(ranks)]
        return [future.result() for future in futures]
