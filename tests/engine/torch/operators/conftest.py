"""Compute a Symbol with MXNet and with PyTorch, forward and backward, and compare."""

import numpy as np
import pytest
import torch

from densefit.backend import mx
from densefit.engine.torch.program import Program, Run
from densefit.model.symbol_graph import SymbolGraph


def with_mxnet(symbol, arrays, gradients, training):
    """(outputs, gradients by name) of an executor."""
    values = {name: mx.nd.array(array, dtype=array.dtype) for name, array in arrays.items()}
    grads = {name: mx.nd.zeros(values[name].shape) for name in gradients}
    requests = {name: "write" if name in grads else "null" for name in values}
    executor = symbol.bind(mx.cpu(), values, args_grad=grads, grad_req=requests)
    outputs = [output.asnumpy() for output in executor.forward(is_train=training)]
    if gradients:
        executor.backward([mx.nd.array(head_gradient(output)) for output in outputs])
    return outputs, {name: gradient.asnumpy() for name, gradient in grads.items()}


def with_torch(symbol, arrays, gradients, training):
    """(outputs, gradients by name) of a program."""
    values = {
        name: torch.from_numpy(array.copy()).requires_grad_(name in gradients)
        for name, array in arrays.items()
    }
    program = Program(SymbolGraph.of(symbol))
    outputs = program(values, Run(training=training))
    if gradients:
        pairs = [(output, head_gradient(output.detach().numpy())) for output in outputs]
        pairs = [(output, gradient) for output, gradient in pairs if output.requires_grad]
        torch.autograd.backward(
            [output for output, _ in pairs], [torch.from_numpy(gradient) for _, gradient in pairs]
        )
    return [output.detach().numpy() for output in outputs], {
        name: np.zeros(values[name].shape, np.float32)
        if values[name].grad is None
        else values[name].grad.numpy()
        for name in gradients
    }


def head_gradient(output):
    """A gradient of each output that differs from cell to cell."""
    return np.cos(np.arange(output.size, dtype=np.float32)).reshape(output.shape)


def compare(symbol, arrays, gradients=(), training=False, rtol=1e-5, atol=1e-6):
    """Assert that outputs and gradients are equal; returns those of PyTorch."""
    arrays = {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}
    theirs, ours = (run(symbol, arrays, gradients, training) for run in (with_mxnet, with_torch))
    for number, (expected, output) in enumerate(zip(theirs[0], ours[0])):
        assert output.shape == expected.shape, number
        np.testing.assert_allclose(output, expected, rtol, atol, err_msg=f"output {number}")
    for name in gradients:
        np.testing.assert_allclose(
            ours[1][name], theirs[1][name], rtol, atol, err_msg=f"gradient of {name}"
        )
    return ours


@pytest.fixture(name="compare")
def compare_fixture():
    return compare


def run_torch(symbol, **arrays):
    """Outputs of a Symbol, computed with PyTorch."""
    arrays = {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}
    return with_torch(symbol, arrays, (), False)[0]


@pytest.fixture(name="run_torch")
def run_torch_fixture():
    return run_torch
