import pytest

from densefit.errors import ConfigError
from densefit.train.schedules import Exponential


def test_it_is_torch_s(rates, torch_rates):
    got = rates(Exponential(0.3, factor=0.9, every=1))
    assert got == pytest.approx(torch_rates("exponential"), rel=1e-12)


def test_its_staircase_is_torch_s_step(rates, torch_rates):
    got = rates(Exponential(0.3, factor=0.5, every=7, staircase=True))
    assert got == pytest.approx(torch_rates("staircase"), rel=1e-12)


def test_its_staircase_is_mxnet_s_factor_at_every_update(mx, rates):
    theirs = mx.lr_scheduler.FactorScheduler(7, 0.5, base_lr=0.3)
    expected = [theirs(t + 1) for t in range(40)]
    got = rates(Exponential(0.3, factor=0.5, every=7, staircase=True))
    assert got == pytest.approx(expected, rel=1e-12)


def test_time_counts_from_the_end_of_warmup():
    resolved = Exponential(1.0, factor=0.25, every="2ep", warmup="1ep").resolve(100, 10)
    assert [resolved(t) for t in (9, 10, 20, 30)] == pytest.approx([1.0, 1.0, 0.5, 0.25])


def test_drops_of_a_staircase_are_marked():
    schedule = Exponential(1.0, every=4, warmup=3, staircase=True)
    assert schedule.resolve(12).moments == ((3, "warm-up ends"), (7, "drops"), (11, "drops"))
    assert Exponential(1.0, every=4).resolve(12).moments == ()


def test_it_needs_no_length_but_that_of_an_epoch():
    assert Exponential(1.0, factor=0.5).resolve(None, 10)(30) == pytest.approx(0.125)
    with pytest.raises(ConfigError, match=r"Exponential\(every=...\)"):
        Exponential(1.0, factor=0.5).resolve(100)


def test_a_rate_too_small_for_a_float_is_0():
    assert Exponential(1.0, factor=0.5, every=1).resolve(None)(10**6) == 0.0


@pytest.mark.parametrize("settings", [{"factor": 0}, {"factor": 1.1}, {"every": 0}])
def test_wrong_settings_are_refused_when_made(settings):
    with pytest.raises(ConfigError, match="out of range"):
        Exponential(0.1, **settings)
