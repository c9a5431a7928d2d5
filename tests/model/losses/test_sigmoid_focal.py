"""The focal loss of independent scores against torchvision's, with its gradient."""

import numpy as np
import pytest
import torch

from densefit.model.losses.sigmoid_focal import sigmoid_focal_loss
from densefit.symbol import sym
from tests.executor import Executor
from tests.references.torchvision_cpu import torchvision


@pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 2.0), (0.5, 1.0), (0.9, 3.5)])
def test_equals_torchvision(each_engine, alpha, gamma):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 4, (5, 40)).astype(np.float32)
    logits[0, :4] = [-60, 60, -60, 60]
    target = rng.integers(0, 2, logits.shape).astype(np.float32)
    loss = sigmoid_focal_loss(sym.Variable("logits"), sym.Variable("target"), alpha, gamma)
    executor = Executor(loss, logits=logits.shape, target=logits.shape)
    (values,) = executor.forward(is_train=True, logits=logits, target=target)
    executor.backward()
    inputs = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    goal = torch.tensor(target, dtype=torch.float64)
    expected = torchvision.ops.sigmoid_focal_loss(inputs, goal, alpha, gamma)
    expected.sum().backward()
    np.testing.assert_allclose(values, expected.detach(), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(executor.grad_dict["logits"], inputs.grad, rtol=1e-4, atol=1e-6)
