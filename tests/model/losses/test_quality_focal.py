"""Quality focal loss beside mmdetection's, restated."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from densefit.model.losses.quality_focal import quality_focal_loss
from densefit.symbol import sym
from tests.executor import Executor


@pytest.mark.parametrize("beta", [1.0, 2.0, 2.5])
def test_values_and_gradients(each_engine, beta):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (4, 5, 3)).astype(np.float32)
    quality = (rng.random(logits.shape) * (rng.random(logits.shape) < 0.3)).astype(np.float32)
    tensor = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    target = torch.tensor(quality, dtype=torch.float64)
    entropy = functional.binary_cross_entropy_with_logits(tensor, target, reduction="none")
    wanted = (target - tensor.sigmoid()).abs() ** beta * entropy
    wanted.sum().backward()
    symbol = quality_focal_loss(sym.Variable("logits"), sym.Variable("quality"), beta)
    executor = Executor(sym.MakeLoss(symbol), logits=logits.shape, quality=logits.shape)
    executor.arg_dict["logits"][:], executor.arg_dict["quality"][:] = logits, quality
    (values,) = executor.forward(is_train=True)
    executor.backward()
    np.testing.assert_allclose(values, wanted.detach().numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(executor.grad_dict["logits"], tensor.grad.numpy(), atol=2e-6)
    assert not executor.grad_dict["quality"].any()


def test_extreme_logits(each_engine):
    logits = np.array([-1e4, -50, 0, 50, 1e4], np.float32)
    symbol = quality_focal_loss(sym.Variable("logits"), sym.Variable("quality"))
    executor = Executor(sym.MakeLoss(symbol), logits=logits.shape, quality=logits.shape)
    executor.arg_dict["logits"][:] = logits
    for quality in (0, 0.5, 1):
        executor.arg_dict["quality"][:] = quality
        (values,) = executor.forward(is_train=True)
        executor.backward()
        assert np.isfinite(values).all()
        assert np.isfinite(executor.grad_dict["logits"]).all()
