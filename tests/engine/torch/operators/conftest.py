"""Fixtures that compare a Symbol of both engines entry by entry."""

import numpy as np
import pytest

from tests.engine.torch.compare import by_mxnet, by_torch


def head_gradient(output):
    """A gradient that differs from entry to entry."""
    return np.cos(np.arange(output.size, dtype=np.float32)).reshape(output.shape)


def compare_entries(symbol, arrays, gradients=(), training=False, rtol=1e-5, atol=1e-6):
    """Assert that each entry of outputs and gradients is equal; returns those of PyTorch."""
    arrays = {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}
    expected = by_mxnet(symbol, arrays, training=training)
    heads = [head_gradient(output) for output in expected.outputs] if gradients else None
    expected, result = (run(symbol, arrays, heads, training) for run in (by_mxnet, by_torch))
    for number, (theirs, ours) in enumerate(zip(expected.outputs, result.outputs)):
        assert ours.shape == theirs.shape, number
        np.testing.assert_allclose(ours, theirs, rtol, atol, err_msg=f"output {number}")
    for name in gradients:
        np.testing.assert_allclose(
            result.gradients[name], expected.gradients[name], rtol, atol, err_msg=name
        )
    return result.outputs, result.gradients


@pytest.fixture(name="compare")
def compare_fixture():
    return compare_entries


@pytest.fixture
def run_torch():
    """Function that computes the outputs of a Symbol with PyTorch."""

    def run(symbol, **arrays):
        arrays = {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}
        return by_torch(symbol, arrays).outputs

    return run
