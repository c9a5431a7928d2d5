"""Behaviour that every registered schedule shares."""

import random

import pytest

from densefit.train.schedules import Step, schedules

LR, TOTAL, WARMUP, START = 0.3, 200, 20, 0.02

every_schedule = pytest.mark.parametrize("name", schedules.names())


def resolved(name, **settings):
    return schedules.create(name, lr=LR, **settings).resolve(TOTAL, updates_per_epoch=10)


def warmed(name):
    return resolved(name, warmup=WARMUP, warmup_start=START)


@every_schedule
def test_the_rate_depends_on_the_update_alone(name):
    once = resolved(name)
    in_order = [once(t) for t in range(TOTAL + 50)]
    order = list(range(TOTAL + 50))
    random.Random(0).shuffle(order)
    again = resolved(name)
    assert {t: again(t) for t in order} == dict(enumerate(in_order))
    assert {t: once(t) for t in order} == dict(enumerate(in_order))


@every_schedule
@pytest.mark.parametrize("make", [resolved, warmed])
def test_rates_are_floats_from_zero_to_the_full_rate(name, make):
    for t in range(TOTAL + 50):
        rate = make(name)(t)
        assert isinstance(rate, float)
        assert 0 <= rate <= LR


@every_schedule
def test_without_warmup_the_first_update_has_the_full_rate(name):
    assert resolved(name)(0) == LR


@every_schedule
def test_after_the_end_the_rate_stays(name):
    schedule = resolved(name)
    assert {schedule(TOTAL + more) for more in (0, 1, 50, 10**9)} == {schedule(TOTAL)}
    assert schedule(TOTAL) <= schedule(TOTAL - 1)


@every_schedule
def test_warmup_rises_to_the_full_rate(name):
    schedule = warmed(name)
    rise = [schedule(t) for t in range(WARMUP)]
    assert rise[0] > START
    assert all(earlier < later for earlier, later in zip(rise, rise[1:]))
    assert rise[-1] == LR
    assert schedule(WARMUP) == LR


@every_schedule
def test_after_warmup_the_rate_never_rises(name):
    schedule = warmed(name)
    fall = [schedule(t) for t in range(WARMUP, TOTAL + 50)]
    assert all(earlier >= later for earlier, later in zip(fall, fall[1:]))


@every_schedule
def test_the_rate_never_jumps_except_where_asked(name):
    schedule = schedules.create(name, lr=LR, warmup=WARMUP)
    asked = schedule.moments(TOTAL, None) if isinstance(schedule, Step) else []
    rate = schedule.resolve(TOTAL)
    for t in range(1, TOTAL + 50):
        if t not in asked:
            assert abs(rate(t) - rate(t - 1)) <= LR / WARMUP + 1e-12


@every_schedule
def test_equal_settings_are_equal_schedules(name):
    assert schedules.create(name, lr=LR) == schedules.create(name, lr=LR)
    assert schedules.create(name, lr=LR) != schedules.create(name, lr=2 * LR)
