"""Losses from a teacher beside the papers' formulas: values, gradients, and equal outputs."""

import numpy as np
import pytest
import torch

from densefit.model.distillation import losses
from densefit.symbol import sym
from tests.executor import Executor

NAMES = ("class_divergence", "label_divergence", "depth_distance", "normal_distance")
SHAPES = {
    "class_divergence": (3, 5, 4, 2),
    "label_divergence": (3, 6),
    "depth_distance": (3, 4, 5),
    "normal_distance": (2, 3, 4, 5),
}


def restated(name, student, teacher, t):
    """As in the papers, from probabilities."""
    if name == "class_divergence":
        p, q = (teacher / t).softmax(1), (student / t).softmax(1)
        return t**2 * (p * (p / q).log()).sum(1).flatten(1).mean(1)
    if name == "label_divergence":
        p, q = (teacher / t).sigmoid(), (student / t).sigmoid()
        kl = p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()
        return t**2 * kl.mean(1)
    if name == "depth_distance":
        return ((student - teacher) ** 2).flatten(1).mean(1)
    return (1 - (student * teacher).sum(1)).flatten(1).mean(1)


def computed(name, student, teacher, *settings):
    symbols = sym.Variable("student"), sym.Variable("teacher")
    loss = sym.MakeLoss(getattr(losses, name)(*symbols, *settings))
    executor = Executor(loss, student=student.shape, teacher=teacher.shape)
    executor.arg_dict["student"][:], executor.arg_dict["teacher"][:] = student, teacher
    (values,) = executor.forward(is_train=True)
    executor.backward()
    return values, executor.grad_dict["student"], executor.grad_dict["teacher"]


def pair(name, seed=0):
    rng = np.random.default_rng(seed)
    both = rng.normal(0, 2, (2, *SHAPES[name]))
    if name == "normal_distance":
        both /= np.linalg.norm(both, axis=2, keepdims=True)
    return both.astype(np.float32)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients(each_engine, name, temperature):
    student, teacher = pair(name)
    tensor = torch.tensor(student, dtype=torch.float64, requires_grad=True)
    loss = restated(name, tensor, torch.tensor(teacher, dtype=torch.float64), temperature)
    loss.sum().backward()
    settings = [temperature] if name.endswith("divergence") else []
    values, gradient, of_teacher = computed(name, student, teacher, *settings)
    assert values.shape == student.shape[:1]
    np.testing.assert_allclose(values, loss.detach().numpy(), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-3, atol=1e-6)
    assert not np.asarray(of_teacher).any()


@pytest.mark.parametrize("name", NAMES)
def test_equal_outputs_cost_nothing(each_engine, name):
    teacher, _ = pair(name)
    values, *_ = computed(name, teacher, teacher)
    np.testing.assert_allclose(values, 0, atol=1e-6)


@pytest.mark.parametrize("name", ["class_divergence", "label_divergence"])
def test_certain_scores_stay_finite(each_engine, name):
    teacher = np.full(SHAPES[name], -1e4, np.float32)
    teacher[:, 0] = 1e4
    values, gradient, _ = computed(name, -teacher, teacher)
    assert np.isfinite(values).all()
    assert np.isfinite(gradient).all()
    assert (values > 0).all()
