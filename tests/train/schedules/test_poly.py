import numpy as np
import pytest

from densefit.errors import ConfigError
from densefit.train.schedules import Poly

T = 40


@pytest.mark.parametrize(("power", "table"), [(0.9, "poly"), (2.0, "poly_square")])
def test_it_is_torch_s_polynomial(rates, torch_rates, power, table):
    assert rates(Poly(0.3, power=power)) == pytest.approx(torch_rates(table), rel=1e-12)


def test_it_is_mxnet_s_one_update_earlier(mx):
    """MXNet asks for the first update's rate with 1: its update t has our rate t + 1."""
    ours = Poly(0.3, 0.9, final=0.01).resolve(T)
    theirs = mx.lr_scheduler.PolyScheduler(T, 0.3, 0.9, 0.01)
    for num_update in range(1, T + 1):
        assert ours(num_update) == pytest.approx(theirs(num_update), rel=1e-12)


@pytest.mark.parametrize("k", [0.5, 1.5, 3.0])
def test_k_decay_is_timm_s(rates, k):
    t, power, low = np.arange(T), 0.9, 0.01
    expected = low + (0.3 - low) * (1 - t**k / T**k) ** power  # PolyLRScheduler, one cycle
    got = rates(Poly(0.3, power, final=low, k_decay=k))
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_the_end_is_final_exactly():
    resolved = Poly(0.3, final=0.01).resolve(T)
    assert resolved(0) == 0.3
    assert resolved(T) == resolved(T + 12345) == 0.01


@pytest.mark.parametrize(
    "settings", [{"power": 0}, {"power": float("inf")}, {"final": 0.2}, {"k_decay": 0}]
)
def test_wrong_settings_are_refused_when_made(settings):
    with pytest.raises(ConfigError, match="out of range"):
        Poly(0.1, **settings)
