"""Random operators draw from MXNet's distributions, in its shapes."""

import numpy as np
import pytest
import torch

from densefit.backend import mx
from tests.engine.torch.compare import by_mxnet, by_torch

V, COUNT = mx.sym.Variable, 40_000
DRAWS = {
    "uniform": {"low": -1.0, "high": 3.0},
    "normal": {"loc": 2.0, "scale": 3.0},
    "gamma": {"alpha": 2.0, "beta": 3.0},
    "exponential": {"scale": 0.5},
    "poisson": {"lam": 4.0},
    "negative_binomial": {"k": 3, "p": 0.4},
    "generalized_negative_binomial": {"mu": 2.0, "alpha": 0.3},
}


def moments(values):
    values = np.asarray(values, np.float64)
    return values.mean(), values.std(), np.mean(values > 2.7)


def assert_alike(symbol, **arrays):
    torch.manual_seed(1)
    mx.random.seed(1)
    theirs, ours = (run(symbol, arrays).outputs[0] for run in (by_mxnet, by_torch))
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    assert moments(ours) == pytest.approx(moments(theirs), rel=0.03, abs=0.03)


@pytest.mark.parametrize("name", DRAWS)
def test_numbers_of_one_distribution(name):
    settings = DRAWS[name]
    assert_alike(getattr(mx.sym.random, name)(**settings, shape=(COUNT // 4, 4)))
    data = np.zeros((COUNT // 4, 4), np.float32)
    settings = {"lam": 2.0} if name == "exponential" else settings
    assert_alike(getattr(mx.sym.random, f"{name}_like")(V("data"), **settings), data=data)


@pytest.mark.parametrize("name", sorted(set(DRAWS) - {"exponential"}))
def test_numbers_of_a_distribution_per_entry(name):
    values = list(DRAWS[name].values())
    arrays = {f"p{k}": np.float32([value, value * 0.5]) for k, value in enumerate(values)}
    symbol = getattr(mx.sym.random, name)(*map(V, arrays), shape=(COUNT,))
    torch.manual_seed(1)
    theirs, ours = (run(symbol, arrays).outputs[0] for run in (by_mxnet, by_torch))
    assert ours.shape == theirs.shape == (2, COUNT)
    for row, expected in zip(ours, theirs):
        assert moments(row) == pytest.approx(moments(expected), rel=0.03, abs=0.03)


def test_whole_numbers():
    symbol = mx.sym.random.randint(-2, 5, shape=(COUNT,))
    values = by_torch(symbol, {}).outputs[0]
    assert values.dtype == np.int32
    counts = np.bincount(values + 2)
    assert len(counts) == 7
    assert counts == pytest.approx(np.full(7, COUNT / 7), rel=0.06)


def test_classes_by_probability_and_their_slope():
    probability = np.float32([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0]])
    symbol = mx.sym.Group(list(mx.sym.random.multinomial(V("p"), shape=(COUNT,), get_prob=True)))
    heads = [np.zeros((2, COUNT), np.int32), np.ones((2, COUNT), np.float32)]
    result = by_torch(symbol, {"p": probability}, heads)
    classes, log = result.outputs
    assert classes.dtype == np.int32
    counts = np.bincount(classes[0], minlength=3) / COUNT
    assert counts == pytest.approx(probability[0], abs=0.01)
    assert (classes[1] == 0).all()
    np.testing.assert_allclose(log[0], np.log(probability[0][classes[0]]), rtol=1e-5)
    np.testing.assert_allclose(result.gradients["p"][0], counts * COUNT / probability[0], rtol=1e-4)
    assert by_torch(mx.sym.random.multinomial(V("p")), {"p": probability}).outputs[0].shape == (2,)


def test_rows_are_shuffled():
    data = np.arange(300, dtype=np.float32).reshape(100, 3)
    values = by_torch(mx.sym.random.shuffle(V("data")), {"data": data}).outputs[0]
    assert not np.array_equal(values, data)
    np.testing.assert_array_equal(np.sort(values, axis=0), data)
