import numpy as np
import pytest

from densefit.errors import ConfigError
from densefit.train.schedules import Cosine

T = 40


def test_it_is_torch_s(rates, torch_rates):
    assert rates(Cosine(0.3, final=0.01)) == pytest.approx(torch_rates("cosine"), rel=1e-12)


def test_it_is_mxnet_s_one_update_earlier(mx):
    """MXNet asks for the first update's rate with 1: its update t has our rate t + 1."""
    ours = Cosine(0.3, final=0.01).resolve(T)
    theirs = mx.lr_scheduler.CosineScheduler(T, 0.3, 0.01)
    for num_update in range(1, T + 1):
        assert ours(num_update) == pytest.approx(theirs(num_update), rel=1e-12)


@pytest.mark.parametrize("k", [0.5, 1.5, 3.0])
def test_k_decay_is_timm_s(rates, k):
    t, low = np.arange(T), 0.01
    expected = low + 0.5 * (0.3 - low) * (1 + np.cos(np.pi * t**k / T**k))  # CosineLRScheduler
    np.testing.assert_allclose(rates(Cosine(0.3, low, k_decay=k)), expected, rtol=1e-12)


def test_the_end_is_final_exactly():
    resolved = Cosine(0.3, final=0.01).resolve(T)
    assert resolved(0) == 0.3
    assert resolved(T) == resolved(T + 12345) == 0.01


@pytest.mark.parametrize("settings", [{"final": 0.2}, {"final": -0.1}, {"k_decay": -1}])
def test_wrong_settings_are_refused_when_made(settings):
    with pytest.raises(ConfigError, match="out of range"):
        Cosine(0.1, **settings)


# What MXNet's own gets wrong, and ours cannot.


def test_mxnet_s_ignores_the_optimizer_s_rate_and_ours_has_only_one(mx, capsys):
    scheduler = mx.lr_scheduler.CosineScheduler(T)
    optimizer = mx.optimizer.SGD(learning_rate=0.5, lr_scheduler=scheduler)
    assert "overwritten" in capsys.readouterr().out
    optimizer._update_count(0)
    assert optimizer.learning_rate == pytest.approx(0.01, rel=1e-2)  # the user asked for 0.5
    assert Cosine(0.5).resolve(T)(0) == 0.5


def test_mxnet_s_past_the_end_is_the_full_rate_and_ours_is_the_final_one(mx):
    fresh = mx.lr_scheduler.CosineScheduler(T, base_lr=0.3, final_lr=0.01)
    assert fresh(T + 1) == 0.3
    assert Cosine(0.3, final=0.01).resolve(T)(T + 1) == 0.01
