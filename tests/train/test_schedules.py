"""Schedules against torch's closed forms and against MXNet's own schedulers."""

import math

import pytest

from densefit.backend import mx
from densefit.errors import ConfigError
from densefit.train.schedules import Constant, Cosine, Poly, Step, schedules

T = 100


def rates(schedule, total=T, updates_per_epoch=None):
    resolved = schedule.resolve(total, updates_per_epoch)
    return [resolved(t) for t in range(total)]


# torch's closed forms, written anew: CosineAnnealingLR(T_max=T, eta_min), PolynomialLR(T, power),
# MultiStepLR(milestones, gamma).


def torch_cosine(lr, eta_min, t):
    return eta_min + 0.5 * (lr - eta_min) * (1.0 + math.cos(math.pi * t / T))


def torch_polynomial(lr, power, t):
    return lr * (1.0 - min(t, T) / T) ** power


def torch_multistep(lr, milestones, gamma, t):
    return lr * gamma ** len([m for m in milestones if m <= t])


def test_cosine_is_torch_cosine():
    expected = [torch_cosine(0.3, 0.01, t) for t in range(T)]
    assert rates(Cosine(0.3, final=0.01)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("power", [0.9, 1.0, 2.0])
def test_poly_is_torch_polynomial(power):
    expected = [torch_polynomial(0.3, power, t) for t in range(T)]
    assert rates(Poly(0.3, power=power)) == pytest.approx(expected, rel=1e-12)


def test_step_is_torch_multistep():
    expected = [torch_multistep(0.3, [60, 80], 0.1, t) for t in range(T)]
    assert rates(Step(0.3)) == pytest.approx(expected, rel=1e-12)


def test_cosine_and_poly_are_mxnet_s_one_update_earlier():
    """MXNet asks for the first update's rate with 1: its update t has our rate t + 1."""
    pairs = [
        (Cosine(0.3, final=0.01), mx.lr_scheduler.CosineScheduler(T, 0.3, 0.01)),
        (Poly(0.3, 0.9, final=0.01), mx.lr_scheduler.PolyScheduler(T, 0.3, 0.9, 0.01)),
    ]
    for ours, theirs in pairs:
        resolved = ours.resolve(T)
        for num_update in range(1, T + 1):
            assert resolved(num_update) == pytest.approx(theirs(num_update), rel=1e-12)


def test_step_is_mxnet_s_multifactor_at_every_update():
    """MultiFactor drops for num_update > step, and num_update is t + 1: the same as t >= step."""
    theirs = mx.lr_scheduler.MultiFactorScheduler([60, 80], 0.1, base_lr=0.3)
    expected = [theirs(t + 1) for t in range(T)]
    assert rates(Step(0.3, at=[60, 80], factor=0.1)) == pytest.approx(expected, rel=1e-12)


def test_decay_after_warmup_is_mxnet_s():
    theirs = mx.lr_scheduler.CosineScheduler(T, 0.3, 0.01, warmup_steps=10)
    ours = Cosine(0.3, final=0.01, warmup=10).resolve(T)
    for t in range(10, T):
        assert ours(t) == pytest.approx(theirs(t), rel=1e-12)


def test_warmup_rises_to_the_full_rate_and_wastes_no_update():
    got = rates(Constant(1.0, warmup="5st"), total=10)
    assert got == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    got = rates(Constant(1.0, warmup=4, warmup_start=0.2), total=6)
    assert got == pytest.approx([0.4, 0.6, 0.8, 1.0, 1.0, 1.0])


def test_decay_begins_at_the_full_rate_after_warmup():
    got = Cosine(0.3, warmup="10%").resolve(T)
    assert got(9) == got(10) == 0.3
    assert got(11) < 0.3
    assert got(T) == 0.0


def test_durations_in_epochs():
    resolved = Step(1.0, at=["2ep", "3ep"], warmup="1ep").resolve(40, updates_per_epoch=10)
    assert resolved.warmup == 10
    assert [resolved(t) for t in (19, 20, 29, 30)] == pytest.approx([1, 0.1, 0.1, 0.01])


@pytest.mark.parametrize("schedule", [Cosine(0.3, final=0.01), Poly(0.3, final=0.01)])
def test_the_end_is_final_exactly(schedule):
    resolved = schedule.resolve(T)
    assert resolved(0) == 0.3
    assert resolved(T) == resolved(T + 12345) == 0.01


def test_constant_and_step_in_updates_work_without_a_known_length():
    assert Constant(0.1, warmup=2).resolve(None)(10**9) == 0.1
    assert Step(1.0, at=[5]).resolve(None)(5) == pytest.approx(0.1)


@pytest.mark.parametrize(
    "schedule", [Cosine(0.1), Poly(0.1), Step(0.1), Constant(0.1, warmup="1%")]
)
def test_a_needed_length_that_is_not_known(schedule):
    with pytest.raises(ConfigError, match="length is not known"):
        schedule.resolve(None)


def test_epochs_of_unknown_length():
    with pytest.raises(ConfigError, match=r"Cosine\(warmup=...\)"):
        Cosine(0.1, warmup="1ep").resolve(T, None)


@pytest.mark.parametrize("warmup", [T, T + 1, "100%"])
def test_warmup_must_leave_something(warmup):
    with pytest.raises(ConfigError, match="Warm-up takes the whole training"):
        Cosine(0.1, warmup=warmup).resolve(T)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (Constant, {"lr": 0.0}),
        (Constant, {"lr": float("nan")}),
        (Constant, {"lr": 0.1, "warmup_start": 0.2}),
        (Constant, {"lr": 0.1, "warmup": "soon"}),
        (Cosine, {"lr": 0.1, "final": 0.2}),
        (Cosine, {"lr": 0.1, "final": -0.1}),
        (Poly, {"lr": 0.1, "power": 0}),
        (Poly, {"lr": 0.1, "final": 0.2}),
        (Step, {"lr": 0.1, "factor": 0.0}),
        (Step, {"lr": 0.1, "factor": 10}),
        (Step, {"lr": 0.1, "at": "60%"}),
        (Step, {"lr": 0.1, "at": ["then"]}),
    ],
)
def test_wrong_settings_are_refused_when_made(kind, settings):
    with pytest.raises(ConfigError):
        kind(**settings)


def test_moments_must_rise_and_come_after_warmup():
    with pytest.raises(ConfigError, match="must rise"):
        Step(0.1, at=["80%", "60%"]).resolve(T)
    with pytest.raises(ConfigError, match="still warms up"):
        Step(0.1, at=[5], warmup=10).resolve(T)


def test_no_updates_and_negative_updates():
    with pytest.raises(ConfigError, match="at least one update"):
        Constant(0.1).resolve(0)
    with pytest.raises(ConfigError, match="count from 0"):
        Constant(0.1).resolve(T)(-1)


def test_schedules_are_found_by_name():
    assert schedules.create("cosine", lr=0.1, warmup="5%") == Cosine(0.1, warmup="5%")
    assert schedules.create("step", lr=0.1) == Step(0.1)
    assert schedules.create("poly", lr=0.1) == Poly(0.1)
    assert schedules.create("constant", lr=0.1) == Constant(0.1)


# What MXNet's schedulers get wrong, and ours cannot.


def test_mxnet_cosine_ignores_the_optimizer_s_rate_and_ours_has_only_one(capsys):
    scheduler = mx.lr_scheduler.CosineScheduler(T)
    optimizer = mx.optimizer.SGD(learning_rate=0.5, lr_scheduler=scheduler)
    assert "overwritten" in capsys.readouterr().out
    optimizer._update_count(0)
    assert optimizer.learning_rate == pytest.approx(0.01, rel=1e-2)  # the user asked for 0.5
    assert Cosine(0.5).resolve(T)(0) == 0.5


def test_mxnet_cosine_past_the_end_is_the_full_rate_and_ours_is_the_final_one():
    fresh = mx.lr_scheduler.CosineScheduler(T, base_lr=0.3, final_lr=0.01)
    assert fresh(T + 1) == 0.3
    assert Cosine(0.3, final=0.01).resolve(T)(T + 1) == 0.01


def test_mxnet_multifactor_remembers_the_future_and_ours_does_not():
    theirs = mx.lr_scheduler.MultiFactorScheduler([60, 80], 0.1, base_lr=0.3)
    theirs(T)
    assert theirs(5) == pytest.approx(0.003)  # a plot or a log line has decayed the rate for good
    ours = Step(0.3, at=[60, 80]).resolve(T)
    ours(T)
    assert ours(5) == 0.3


def test_mxnet_warmup_filling_the_training_divides_by_zero():
    with pytest.raises(ZeroDivisionError):
        mx.lr_scheduler.CosineScheduler(10, warmup_steps=10)(10)
