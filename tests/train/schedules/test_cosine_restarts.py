import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.errors import ConfigError
from densefit.train.schedules import Cosine, CosineRestarts
from densefit.train.schedules.cosine_restarts import cycle_at

T = 200


def timm_cosine(lr, t, t_initial, lr_min=0.0, mul=1.0, decay=1.0, limit=10**9, k=1.0):
    """CosineLRScheduler's published formula, with the cycle's number found by walking."""
    i, start, t_i = 0, 0.0, t_initial
    while t >= start + t_i:
        i, start, t_i = i + 1, start + t_i, t_i * mul
    if i >= limit:
        return lr_min
    part = (t - start) ** k / t_i**k
    return lr_min + 0.5 * (lr * decay**i - lr_min) * (1 + np.cos(np.pi * part))


def test_it_is_torch_s(rates, torch_rates):
    got = rates(CosineRestarts(0.3, period=9))
    assert got == pytest.approx(torch_rates("restarts"), rel=1e-12)
    got = rates(CosineRestarts(0.3, period=5, growth=2, final=0.01))
    assert got == pytest.approx(torch_rates("restarts_growing"), rel=1e-12)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"decay": 0.5}, {"decay": 0.5}),
        ({"growth": 1.5, "decay": 0.8}, {"mul": 1.5, "decay": 0.8}),
        ({"growth": 2, "final": 0.01, "k_decay": 2.0}, {"mul": 2, "lr_min": 0.01, "k": 2.0}),
        ({"growth": 1.3, "cycles": 3, "k_decay": 0.7}, {"mul": 1.3, "limit": 3, "k": 0.7}),
    ],
)
def test_it_is_timm_s(rates, ours, theirs):
    expected = [timm_cosine(0.3, t, 20, **theirs) for t in range(T)]
    got = rates(CosineRestarts(0.3, period=20, **ours), T)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-17)


@given(
    s=st.integers(0, 5000), period=st.integers(1, 60), growth=st.sampled_from([1.0, 1.2, 2.0, 3.0])
)
@settings(max_examples=50, deadline=None, derandomize=True)
def test_cycles_follow_one_another(s, period, growth):
    number, start, length = cycle_at(s, period, growth)
    assert start <= s < start + length
    assert length == pytest.approx(period * growth**number)
    assert start == pytest.approx(sum(period * growth**i for i in range(number)))


def test_one_cycle_is_the_cosine(rates):
    expected = rates(Cosine(0.3, final=0.01, warmup=10), T)
    assert rates(CosineRestarts(0.3, period=190, final=0.01, warmup=10), T) == expected


def test_a_cycle_that_ends_with_the_training_leaves_the_final_rate():
    resolved = CosineRestarts(0.3, period="25%", final=0.01).resolve(T)
    assert resolved(150) == 0.3
    assert resolved(T) == resolved(T + 1) == 0.01


def test_cycles_of_a_fractional_length_do_not_rise_at_the_end(rates):
    schedule = CosineRestarts(0.3, period=15, growth=1.5)  # cycles end at 15 and 37.5
    resolved = schedule.resolve(38)
    assert resolved(37) > resolved(38) == 0.0


def test_peaks_stay_above_the_final_rate():
    resolved = CosineRestarts(1.0, period=10, decay=0.1, final=0.05).resolve(100)
    assert [resolved(t) for t in (10, 20, 30, 95)] == pytest.approx([0.1, 0.05, 0.05, 0.05])


def test_without_a_known_length_it_goes_on():
    resolved = CosineRestarts(0.3, period="2ep").resolve(None, updates_per_epoch=50)
    assert resolved(10**6) == 0.3
    assert resolved(10**6 + 50) == pytest.approx(0.15)
    assert resolved.moments == ()


def test_restarts_are_marked():
    schedule = CosineRestarts(0.3, period=10, growth=1.5, warmup=5)
    marks = schedule.resolve(60).moments
    assert marks == ((5, "warm-up ends"), (15, "restarts"), (30, "restarts"), (53, "restarts"))
    schedule = CosineRestarts(0.3, period=10, cycles=2)
    assert schedule.resolve(60).moments == ((10, "restarts"), (20, "cycles end"))


@pytest.mark.parametrize(
    "changes",
    [
        {"period": 0},
        {"period": "0ep"},
        {"growth": 0.9},
        {"growth": math.inf},
        {"decay": 0},
        {"decay": 1.1},
        {"final": 0.2},
        {"cycles": 0},
        {"cycles": 1.5},
        {"k_decay": 0},
    ],
)
def test_wrong_settings_are_refused_when_made(changes):
    (setting,) = changes
    with pytest.raises(ConfigError, match=rf"CosineRestarts\({setting}=...\)"):
        CosineRestarts(**{"lr": 0.1, "period": 10, **changes})
