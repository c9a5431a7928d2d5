import numpy as np
import pytest

from densefit.train.balance.gradients.fair_products import fair_factors


@pytest.mark.parametrize("heads", [2, 3, 6])
@pytest.mark.parametrize("power", [0.2, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("spread", [1.0, 1e3])
def test_products_are_a_power_of_the_factors(heads, power, spread):
    """`gram w = c w^-power` with one c for all: the papers' equation, up to the factor."""
    rng = np.random.default_rng(heads)
    for _ in range(10):
        rows = rng.normal(size=(heads, 10)) * spread ** rng.uniform(-1, 1, size=(heads, 1))
        gram = rows @ rows.T
        w = fair_factors(gram, power)
        assert (w > 0).all()
        assert w.mean() == pytest.approx(1)
        ratios = (gram @ w) * w**power
        np.testing.assert_allclose(ratios / ratios.mean(), 1, rtol=1e-4)


def test_a_single_solution_by_hand():
    """Orthogonal gradients: l^2 w = w^-p."""
    gram = np.diag([1.0, 16.0])
    for power in (0.5, 1.0, 3.0):
        expected = np.array([1.0, 16.0]) ** (-1 / (1 + power))
        np.testing.assert_allclose(
            fair_factors(gram, power), 2 * expected / expected.sum(), rtol=1e-6
        )


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_gradients_that_cancel_are_cancelled(power):
    rows = np.array([[1.0, 0.0], [-0.5, 0.0]])
    w = fair_factors(rows @ rows.T, power)
    assert np.linalg.norm(w @ rows) < 1e-3
