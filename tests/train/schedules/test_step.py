import pytest

from densefit.errors import ConfigError
from densefit.train.schedules import Step

T = 100


def test_it_is_torch_s_multistep(rates, torch_rates):
    assert rates(Step(0.3)) == pytest.approx(torch_rates("step"), rel=1e-12)


def test_it_is_mxnet_s_multifactor_at_every_update(mx, rates):
    """MultiFactor drops for num_update > step, and num_update is t + 1: the same as t >= step."""
    theirs = mx.lr_scheduler.MultiFactorScheduler([60, 80], 0.1, base_lr=0.3)
    expected = [theirs(t + 1) for t in range(T)]
    assert rates(Step(0.3, at=[60, 80]), T) == pytest.approx(expected, rel=1e-12)


def test_mxnet_s_multifactor_remembers_the_future_and_ours_does_not(mx):
    theirs = mx.lr_scheduler.MultiFactorScheduler([60, 80], 0.1, base_lr=0.3)
    theirs(T)
    assert theirs(5) == pytest.approx(0.003)  # a plot or a log line has decayed the rate for good
    ours = Step(0.3, at=[60, 80]).resolve(T)
    ours(T)
    assert ours(5) == 0.3


def test_moments_in_updates_need_no_length():
    assert Step(1.0, at=[5]).resolve(None)(5) == pytest.approx(0.1)


def test_a_moment_after_the_end_never_comes():
    resolved = Step(1.0, at=[5, 50]).resolve(20)
    assert resolved(10**9) == pytest.approx(0.1)
    assert resolved.moments == ((5, "drops"),)


@pytest.mark.parametrize(
    "settings",
    [{"factor": 0.0}, {"factor": 10}, {"at": "60%"}, {"at": 5}, {"at": None}, {"at": ["then"]}],
)
def test_wrong_settings_are_refused_when_made(settings):
    with pytest.raises(ConfigError, match=r"Step\((at|factor)=...\)"):
        Step(0.1, **settings)


def test_moments_must_rise_and_come_after_warmup():
    with pytest.raises(ConfigError, match="must rise"):
        Step(0.1, at=["80%", "60%"]).resolve(T)
    with pytest.raises(ConfigError, match="still warms up"):
        Step(0.1, at=[5], warmup=10).resolve(T)
