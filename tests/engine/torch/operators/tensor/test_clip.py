"""Clipping equals MXNet's, and its gradient at the limits, beside them and beyond."""

import numpy as np
import pytest
import torch

from densefit.backend import mx
from densefit.engine.torch.operators.tensor.clip import Clip
from tests.engine.torch.compare import same

LIMITS = [(0, 6), (-1, 1), (-0.5, 0.5), (-3, 0), (0.1, 0.7), (0.5, np.inf), (-np.inf, 1)]


@pytest.mark.parametrize("limits", LIMITS)
def test_clip(limits):
    finite = np.float32([limit for limit in limits if np.isfinite(limit)])
    beside = [np.nextafter(finite, np.float32(side)) for side in (-np.inf, np.inf)]
    normal = [number[np.abs(number) > 1e-37] for number in beside]
    special = np.float32([0.0, -0.0, 1e-37, -1e-37, np.inf, -np.inf])
    x = np.concatenate([finite, *normal, special, np.linspace(-8, 8, 33, dtype=np.float32)])
    same(mx.sym.clip(mx.sym.Variable("x"), *limits), {"x": x}, 0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_other_types(dtype):
    x = torch.tensor([-1.0, 0.0, 3.0, 6.0, 6.1], dtype=dtype, requires_grad=True)
    y = Clip.apply(x, 0.0, 6.0)
    assert y.tolist() == torch.tensor([0, 0, 3, 6, 6], dtype=dtype).tolist()
    y.sum().backward()
    assert x.grad.tolist() == [0, 1, 1, 1, 0]
