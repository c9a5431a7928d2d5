import numpy as np
import pytest

from densefit.errors import ConfigError
from densefit.train.balance import CAGrad
from densefit.train.balance.gradients.cagrad import averse

SCALES = [1.0, 1e-4, 1e4]


def simplex(count):
    if count == 2:
        part = np.linspace(0, 1, 20001)
        return np.stack([part, 1 - part], axis=1)
    first, second = np.meshgrid(np.linspace(0, 1, 801), np.linspace(0, 1, 801))
    keep = first + second <= 1 + 1e-12
    return np.stack([first[keep], second[keep], 1 - first[keep] - second[keep]], axis=1)


def searched(gradients, c):
    """Algorithm 1 of the paper: F(w) by a grid over all w, then d."""
    g_0 = gradients.mean(axis=0)
    phi = c**2 * (g_0 @ g_0)
    w = simplex(len(gradients))
    g_w = w @ gradients
    best = g_w[(g_w @ g_0 + np.sqrt(phi) * np.linalg.norm(g_w, axis=1)).argmin()]
    return g_0 + np.sqrt(phi) / np.linalg.norm(best) * best


def combined(gradients, c=0.4):
    balancer = CAGrad(c)
    balancer.begin([str(number) for number in range(len(gradients))])
    return balancer.combine(np.asarray(gradients, np.float32))


@pytest.mark.parametrize("heads", [2, 3])
@pytest.mark.parametrize("scale", SCALES)
def test_it_is_a_fine_search_over_the_simplex(heads, scale):
    rng = np.random.default_rng(heads)
    for _ in range(5):
        gradients = scale * (rng.normal(size=(heads, 5)) + 0.3)
        expected = heads * searched(gradients, 0.4)
        error = np.linalg.norm(combined(gradients) - expected) / np.linalg.norm(expected)
        assert error < 5e-3  # the grid's step


@pytest.mark.parametrize("heads", [2, 3, 6])
def test_no_other_direction_in_the_ball_serves_the_worst_off_better(heads):
    rng = np.random.default_rng(heads)
    for _ in range(5):
        gradients = rng.normal(size=(heads, 8)) * 10.0 ** rng.uniform(-1, 1, size=(heads, 1))
        g_0, c = gradients.mean(axis=0), 0.5
        d = averse(gradients @ gradients.T, c) @ gradients
        radius = c * np.linalg.norm(g_0)
        assert np.linalg.norm(d - g_0) <= radius * (1 + 1e-6)
        worst = (gradients @ d).min()
        around = rng.normal(size=(20000, 8))
        around /= np.linalg.norm(around, axis=1, keepdims=True)
        near = (d - g_0) + 0.1 * radius * around  # random points of the ball, near d and far
        tried = np.vstack([around * radius, near])
        lengths = np.linalg.norm(tried, axis=1, keepdims=True)
        tried *= np.minimum(1, radius / lengths)
        best = ((g_0 + tried) @ gradients.T).min(axis=1).max()
        assert best <= worst + 1e-6 * np.abs(gradients @ g_0).max()


def test_heads_that_agree_and_c_of_zero_give_the_sum():
    gradients = np.array([[1.0, 2.0], [1.0, 2.0]])
    np.testing.assert_allclose(combined(gradients), 1.4 * gradients.sum(axis=0), rtol=1e-6)
    gradients = np.array([[1.0, 2.0], [-1.0, 1.0]])
    np.testing.assert_allclose(combined(gradients, 0.0), [0.0, 3.0], atol=1e-6)


def test_gradients_that_can_cancel_leave_the_worst_off_where_it_was():
    """Here g_w = 0 has the least F = 0: some direction of the ball hurts no head, and is found."""
    gradients = np.array([[1.0, 0.0], [-0.9, 0.0], [0.0, 1.0]])
    d = combined(gradients)
    assert np.isfinite(d).all()
    assert (gradients @ d).min() == pytest.approx(0.0, abs=1e-4)
    assert d[1] > 0


def test_gradients_that_cancel_in_the_mean_give_nothing():
    assert combined([[1.0, 2.0], [-1.0, -2.0]]).tolist() == [0.0, 0.0]


def test_absent_heads_are_left_out():
    gradients = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    gradients[1] = 0
    np.testing.assert_allclose(combined(gradients), combined(gradients[[0, 2]]), rtol=1e-6)
    assert combined(np.zeros((2, 3))).tolist() == [0.0] * 3


@pytest.mark.parametrize("c", [0.0, 0.4, 0.99])
def test_one_head_alone_has_its_plain_gradient(c):
    """With d = (1 + c) g, the trunk's rate would depend on which heads a batch has labels for."""
    gradients = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    gradients[[0, 2]] = 0
    np.testing.assert_array_equal(combined(gradients, c), gradients[1])
    np.testing.assert_array_equal(combined(gradients[1:2], c), gradients[1])


@pytest.mark.parametrize("c", [-0.1, 1.0, "0.4", float("nan")])
def test_wrong_settings_are_refused(c):
    with pytest.raises(ConfigError, match="c="):
        CAGrad(c)
