"""Means over a grid and stretched grids, beside PyTorch's."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from densefit.model.decoders.adaptive_pooling import pooled_means, stretched
from densefit.symbol import sym
from tests.executor import compute

X = sym.Variable("x")


@pytest.mark.parametrize("count", [1, 2, 3, 6])
@pytest.mark.parametrize("size", [(12, 18), (11, 7), (4, 1), (90, 127)])
def test_pooled_means(each_engine, size, count):
    x = np.random.default_rng(0).normal(size=(2, 3, *size)).astype(np.float32)
    (found,) = compute(pooled_means(X, size, count), {"x": x})
    expected = functional.adaptive_avg_pool2d(torch.tensor(x), count).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3, 6])
@pytest.mark.parametrize("size", [(12, 18), (11, 7), (4, 1)])
def test_stretched(each_engine, size, count):
    x = np.random.default_rng(0).normal(size=(2, 3, count, count)).astype(np.float32)
    (found,) = compute(stretched(X, count, size), {"x": x})
    expected = functional.interpolate(torch.tensor(x), size, mode="bilinear", align_corners=True)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)
