import numpy as np
import pytest

from densefit.train.balance.gradients.mgda import shortest


@pytest.mark.parametrize("heads", [2, 3, 5])
@pytest.mark.parametrize("lengths", [1.0, 1e3])
def test_it_is_the_shortest_by_the_conditions_of_the_optimum(heads, lengths):
    """All products with the shortest d are |d|^2 or more, and equal where a weight is above 0."""
    rng = np.random.default_rng(heads)
    for _ in range(20):
        spread = lengths ** rng.uniform(-1, 1, size=(heads, 1))
        gradients = (rng.normal(size=(heads, 8)) + 0.3) * spread
        w = shortest(gradients @ gradients.T)
        assert w.sum() == pytest.approx(1)
        assert (w >= 0).all()
        d = w @ gradients
        products = gradients @ d / (d @ d)
        assert (products > 1 - 1e-6).all()
        np.testing.assert_allclose(products[w > 1e-9], 1, rtol=1e-6)


def test_two_gradients_in_closed_form():
    """Algorithm 1 of the paper."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        a, b = rng.normal(size=(2, 3)) * 10.0 ** rng.uniform(-2, 2, size=(2, 1))
        share = np.clip(((b - a) @ b) / ((a - b) @ (a - b)), 0, 1)
        gradients = np.stack([a, b])
        found = shortest(gradients @ gradients.T)
        np.testing.assert_allclose(found, [share, 1 - share], atol=1e-9)
