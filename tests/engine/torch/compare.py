"""One graph computed by MXNet and by PyTorch on the same numbers."""

from typing import NamedTuple

import numpy as np
import torch

from densefit.backend import mx
from densefit.engine.torch.program import Program, Run
from densefit.model.symbol_graph import SymbolGraph


class Result(NamedTuple):
    outputs: list
    gradients: dict
    statistics: dict


def by_mxnet(symbol, values, head_gradients=None, training=False):
    """Outputs, gradients of all float inputs and moving statistics after the pass."""
    arguments, states = symbol.list_arguments(), symbol.list_auxiliary_states()
    arrays = {name: mx.nd.array(value, dtype=value.dtype) for name, value in values.items()}
    backward = head_gradients is not None
    kinds = {name: "write" if is_real(values[name]) else "null" for name in arguments}
    gradients = {
        name: mx.nd.zeros(values[name].shape, dtype=values[name].dtype)
        for name in arguments
        if backward and kinds[name] == "write"
    }
    executor = symbol.bind(
        mx.cpu(),
        [arrays[name] for name in arguments],
        gradients,
        kinds if backward else "null",
        [arrays[name] for name in states],
    )
    outputs = executor.forward(is_train=training or backward)
    outputs = [out.asnumpy() for out in outputs]
    if backward:
        executor.backward([mx.nd.array(grad, dtype=grad.dtype) for grad in head_gradients])
    mx.nd.waitall()
    return Result(
        outputs,
        {name: grad.asnumpy() for name, grad in gradients.items()},
        {name: arrays[name].asnumpy() for name in states},
    )


def by_torch(symbol, values, head_gradients=None, training=False):
    """The same by the other engine."""
    states = symbol.list_auxiliary_states()
    backward = head_gradients is not None
    tensors = {name: torch.from_numpy(np.array(value)) for name, value in values.items()}
    for name, tensor in tensors.items():
        if backward and name not in states and tensor.is_floating_point():
            tensor.requires_grad_()
    run = Run(training=training or backward)
    outputs = Program(SymbolGraph.of(symbol))(tensors, run)
    if backward:
        roots = [(out, torch.from_numpy(g)) for out, g in zip(outputs, head_gradients)]
        roots = [(out, grad) for out, grad in roots if out.requires_grad]
        if roots:
            torch.autograd.backward(*zip(*roots))
    gradients = {
        name: np.zeros(tensor.shape, np.float32) if tensor.grad is None else tensor.grad.numpy()
        for name, tensor in tensors.items()
        if tensor.requires_grad
    }
    moved = {name: run.statistics.get(name, tensors[name]).numpy() for name in states}
    return Result([out.detach().numpy() for out in outputs], gradients, moved)


def is_real(array):
    return array.dtype in (np.float32, np.float64)


def same(symbol, values, tolerance=1e-5, gradients=True, seed=1234, training=True):
    """Assert that outputs, dtypes, gradients and statistics agree.

    Head gradients are random; errors are relative to the norm of each array.
    """
    values = {name: np.asarray(value) for name, value in values.items()}
    probe = by_mxnet(symbol, values, training=training)
    heads = None
    if gradients:
        rng = np.random.default_rng(seed)
        heads = [
            rng.normal(size=out.shape).astype(out.dtype if is_real(out) else np.float32)
            for out in probe.outputs
        ]
        heads = [h.astype(o.dtype) for h, o in zip(heads, probe.outputs)]
    first = by_mxnet(symbol, values, heads, training)
    second = by_torch(symbol, values, heads, training)
    for number, (a, b) in enumerate(zip(first.outputs, second.outputs)):
        assert a.dtype == b.dtype, f"output {number}: {a.dtype} and {b.dtype}"
        close(a, b, tolerance, f"output {number}")
    assert len(first.outputs) == len(second.outputs)
    for kind in ("gradients", "statistics"):
        pair = getattr(first, kind), getattr(second, kind)
        assert pair[0].keys() == pair[1].keys()
        for name, array in pair[0].items():
            close(array, pair[1][name], tolerance, f"{kind} of {name}")
    return first


def check(symbol, tolerance=2e-6, gradients=True, **shapes):
    """Assert as `same` does, on random inputs of these shapes and parameters of inferred shapes."""
    arguments, _, states = symbol.infer_shape(**shapes)
    names = symbol.list_arguments() + symbol.list_auxiliary_states()
    rng = np.random.default_rng(0)
    values = {
        name: rng.normal(size=shape).astype(np.float32)
        for name, shape in zip(names, [*arguments, *states])
    }
    return same(symbol, values, tolerance, gradients)


def close(a, b, tolerance, what):
    assert a.shape == b.shape, f"{what}: {a.shape} and {b.shape}"
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    finite = np.isfinite(a)
    assert np.array_equal(a[~finite], b[~finite], equal_nan=True), f"{what}: {a} and {b}"
    a, b = a[finite], b[finite]
    error = np.linalg.norm(a - b) / max(np.linalg.norm(a), 1e-3)
    assert error <= tolerance, f"{what}: error {error:.2e}\n{a.ravel()[:20]}\n{b.ravel()[:20]}"
