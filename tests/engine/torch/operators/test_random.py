"""Random numbers have MXNet's shapes and distributions, and follow the seed."""

import numpy as np
import pytest
import torch

from densefit.backend import mx
from tests.engine.torch.compare import by_mxnet, by_torch

RANDOM = mx.sym.random
SHAPE = (100, 200)
DRAWN = {
    "uniform": RANDOM.uniform(-2, 3, shape=SHAPE),
    "normal": RANDOM.normal(1, 2, shape=SHAPE),
    "gamma": RANDOM.gamma(2.0, 3.0, shape=SHAPE),
    "exponential": RANDOM.exponential(0.5, shape=SHAPE),
    "poisson": RANDOM.poisson(4, shape=SHAPE),
    "negative binomial": RANDOM.negative_binomial(5, 0.4, shape=SHAPE),
    "generalized": RANDOM.generalized_negative_binomial(3, 0.5, shape=SHAPE),
    "not spread": RANDOM.generalized_negative_binomial(3, 0, shape=SHAPE),
    "whole": RANDOM.randint(-3, 9, shape=SHAPE),
}


@pytest.mark.parametrize("kind", DRAWN)
def test_moments(kind):
    mx.random.seed(1)
    torch.manual_seed(1)
    (theirs,), (ours,) = by_mxnet(DRAWN[kind], {}).outputs, by_torch(DRAWN[kind], {}).outputs
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    spread = theirs.std()
    assert abs(ours.mean() - theirs.mean()) < 0.04 * spread
    assert abs(ours.std() - spread) < 0.05 * spread


def test_the_seed_decides():
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(by_torch(DRAWN["normal"], {}).outputs[0])
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


def test_parameters_of_each_element():
    low, high = mx.sym.Variable("low"), mx.sym.Variable("high")
    symbol = RANDOM.uniform(low, high, shape=(500,))
    values = {"low": np.float32([0, 10]), "high": np.float32([1, 30])}
    (out,) = by_torch(symbol, values).outputs
    assert out.shape == (2, 500)
    np.testing.assert_allclose(out.mean(axis=1), [0.5, 20], rtol=0.1)


def test_classes():
    symbol = mx.sym.Group(list(RANDOM.multinomial(mx.sym.Variable("p"), 400, get_prob=True)))
    values = {"p": np.float32([[0.1, 0.9], [1, 0]])}
    drawn, logarithm = by_torch(symbol, values).outputs
    theirs = by_mxnet(symbol, values).outputs
    assert [x.shape for x in (drawn, logarithm)] == [x.shape for x in theirs]
    assert drawn.dtype == theirs[0].dtype
    assert 0.85 < drawn[0].mean() < 0.95
    assert not drawn[1].any()
    np.testing.assert_allclose(logarithm[1], 0)


def test_shuffle():
    x = np.arange(20, dtype=np.float32).reshape(10, 2)
    (out,) = by_torch(mx.sym.random.shuffle(mx.sym.Variable("x")), {"x": x}).outputs
    assert not np.array_equal(out, x)
    assert np.array_equal(out[np.argsort(out[:, 0])], x)
