"""Losses of depth against numpy, and their gradients against differences of it."""

import numpy as np
import pytest

from densefit.symbol import sym
from densefit.tasks.depth.loss import LOSSES, depth_loss
from tests.executor import Executor

SHAPE = (3, 4, 5)


def reference(kind, log_depth, depth, known, limit=None, scale_invariance=0.5):
    """The loss of one image, from its known pixels alone, in float64."""
    p, t = log_depth[known], depth[known]
    if not p.size:
        return 0.0
    if kind == "silog":
        d = p - np.log(t)
        n = d.size  # as printed in the paper
        return (d**2).sum() / n - scale_invariance / n**2 * d.sum() ** 2
    x = np.abs(np.exp(p) - t)
    if kind == "l1":
        return x.mean()
    c = 0.2 * x.max() if limit is None else limit
    return np.where(x <= c, x, (x**2 + c**2) / (2 * c)).mean()


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    log_depth = rng.normal(size=SHAPE)
    known = rng.random(SHAPE) < 0.6
    known[1] = False
    depth = np.where(known, np.exp(rng.normal(size=SHAPE)), 0)
    return log_depth, depth, known


def run(kind, log_depth, depth, known, scale_invariance=0.5):
    """(losses (B,), gradient) by MXNet."""
    symbols = [sym.Variable(name) for name in ("log_depth", "depth", "weight")]
    loss = sym.MakeLoss(depth_loss(kind, *symbols, scale_invariance))
    executor = Executor(loss, **dict.fromkeys(("log_depth", "depth", "weight"), SHAPE))
    weight = known / np.maximum(known.sum(axis=(1, 2), keepdims=True), 1)
    for name, array in (("log_depth", log_depth), ("depth", depth), ("weight", weight)):
        executor.arg_dict[name][:] = array
    found = executor.forward(is_train=True)[0]
    executor.backward()
    return found, executor.grad_dict["log_depth"]


@pytest.mark.parametrize("kind", LOSSES)
def test_losses_equal_numpy_over_the_known_pixels(kind, data):
    found, _ = run(kind, *data)
    expected = [reference(kind, *one) for one in zip(*data)]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("scale_invariance", [0.0, 0.85, 1.0])
def test_scale_invariance(scale_invariance, data):
    log_depth, depth, known = data
    found, _ = run("silog", *data, scale_invariance)
    expected = [reference("silog", *one, None, scale_invariance) for one in zip(*data)]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    doubled, _ = run("silog", log_depth + np.log(2), depth, known, scale_invariance)
    assert np.allclose(doubled, found, atol=1e-5) == (scale_invariance == 1)


@pytest.mark.parametrize("kind", LOSSES)
def test_gradients_equal_differences_and_are_zero_where_nothing_is_known(kind, data):
    log_depth, depth, known = data
    _, gradient = run(kind, *data)
    assert np.isfinite(gradient).all()
    assert (gradient[~known] == 0).all()
    expected = np.zeros(SHAPE)
    for place in zip(*np.nonzero(known)):
        row = place[0]
        x = np.abs(np.exp(log_depth[row]) - depth[row])[known[row]]
        sides = []
        for step in (1e-6, -1e-6):
            moved = log_depth.copy()
            moved[place] += step
            limit = 0.2 * x.max()  # berhu's limit is held
            sides.append(reference(kind, moved[row], depth[row], known[row], limit))
        expected[place] = (sides[0] - sides[1]) / 2e-6
    np.testing.assert_allclose(gradient, expected, atol=1e-5)


@pytest.mark.parametrize("kind", LOSSES)
def test_a_perfect_map_has_no_loss_and_no_gradient(kind, data):
    _, depth, known = data
    depth = np.where(known, np.float32(depth), np.float32(0))
    found, gradient = run(kind, np.log(np.where(known, depth, 1)), depth, known)
    np.testing.assert_allclose(found, 0, atol=1e-6)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("kind", LOSSES)
def test_an_image_s_loss_does_not_depend_on_its_neighbours(kind, data):
    log_depth, depth, known = data
    found, gradient = run(kind, *data)
    other = log_depth.copy()
    other[2] += 3
    again, moved = run(kind, other, depth, known)
    np.testing.assert_array_equal(again[:2], found[:2])
    np.testing.assert_array_equal(moved[:2], gradient[:2])
