"""Binary cross-entropy and its focal form against numpy in double precision."""

import numpy as np
import pytest

from densefit.symbol import sym
from densefit.tasks.multilabel.loss import binary_loss
from tests.executor import Executor

SHAPE = (3, 4)


def run(scores, labels, weight, gamma):
    names = ("scores", "labels", "weight")
    loss = sym.MakeLoss(binary_loss(*(sym.Variable(name) for name in names), gamma))
    executor = Executor(loss, **dict.fromkeys(names, SHAPE))
    for name, array in zip(names, (scores, labels, weight)):
        executor.arg_dict[name][:] = array
    found = executor.forward(is_train=True)[0]
    executor.backward()
    return found, executor.grad_dict["scores"]


def reference(scores, labels, weight, gamma):
    p = 1 / (1 + np.exp(-scores))
    p = np.where(labels == 1, p, 1 - p)
    return (-((1 - p) ** gamma) * np.log(p) * weight).sum(axis=1)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    weight = rng.random(SHAPE) * (rng.random(SHAPE) < 0.7)
    weight[1] = 0
    return rng.normal(0, 2, SHAPE), (rng.random(SHAPE) < 0.5).astype(float), weight


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_loss_and_gradient_equal_numpy(gamma, data):
    scores, labels, weight = data
    found, gradient = run(*data, gamma)
    np.testing.assert_allclose(found, reference(*data, gamma), rtol=1e-5)
    for place in np.ndindex(SHAPE):
        sides = []
        for step in (1e-6, -1e-6):
            moved = scores.copy()
            moved[place] += step
            sides.append(reference(moved, labels, weight, gamma).sum())
        expected = (sides[0] - sides[1]) / 2e-6
        assert gradient[place] == pytest.approx(expected, rel=1e-3, abs=1e-6)
    assert (gradient[weight == 0] == 0).all()


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_scores_of_any_size(gamma):
    scores = np.array([[0.0, 30, -30, 200], [-200, 1e4, -1e4, 88], [1e-8, -1e38, 1e38, -100]])
    for labels in (np.zeros(SHAPE), np.ones(SHAPE)):
        found, gradient = run(scores, labels, np.ones(SHAPE), gamma)
        assert np.isfinite(found).all()
        assert np.isfinite(gradient).all()
        wrong = (scores * (1 - 2 * labels)).clip(0)
        np.testing.assert_allclose(found, wrong.sum(axis=1), atol=3)  # the hinge, for large ones
