"""Behaviour that every registered schedule shares."""

import copy
import inspect
import math
import pickle
import random

import pytest

import densefit as df
from densefit.errors import ConfigError
from densefit.train.schedules import Schedule, WarmedUp, schedules

LR, TOTAL, PER_EPOCH, WARMUP, START = 0.3, 200, 10, 20, 0.02

# Settings of each, beside lr; several of one name are told apart by a number.
CASES = {
    "constant": [{}],
    "cosine": [{}, {"final": 0.01, "k_decay": 1.5}],
    "cosine_restarts": [
        {"period": "25%"},
        {"period": "3ep", "growth": 1.5, "decay": 0.7, "final": 0.01, "cycles": 4},
    ],
    "exponential": [{"factor": 0.9}, {"factor": 0.5, "every": "20%", "staircase": True}],
    "inverse_square_root": [{"timescale": 50}],
    "joined": [
        {
            "pieces": [
                {"name": "constant", "lr": LR, "warmup": WARMUP},
                {"name": "cosine_restarts", "lr": LR, "period": "20%"},
                {"name": "linear", "lr": 0.1, "final": 0.01},
            ],
            "at": ["3ep", "80%"],
        }
    ],
    "linear": [{}, {"final": 0.01}],
    "one_cycle": [{}, {"anneal": "linear", "three_phase": True, "pct_start": 0.33}],
    "plateau": [{"metric": "a/loss", "higher_is_better": False, "patience": 0}],
    "poly": [{}, {"power": 2, "final": 0.01, "k_decay": 1.5}],
    "step": [{}, {"at": ["5ep", 110, "75%"], "factor": 0.5}],
}
# Settings that write one and the same length: in updates, in epochs, in parts of the whole.
LENGTHS = {
    "cosine_restarts": ("period", {}),
    "exponential": ("every", {}),
    "inverse_square_root": ("timescale", {}),
    "joined": ("at", {"pieces": CASES["joined"][0]["pieces"][:2]}),
    "step": ("at", {}),
}
# Those whose cases need to know neither how long training is nor how long an epoch is.
ENDLESS = ("constant", "inverse_square_root", "plateau")
# Settings for trainings of an update or two, where those of the first case do not fit.
SHORT = {"cosine_restarts": {"period": 1}}
NAMED = [
    pytest.param(name, settings, id=f"{name}-{number}" if number else name)
    for name, found in CASES.items()
    for number, settings in enumerate(found)
]
every_schedule = pytest.mark.parametrize(("name", "settings"), NAMED)
warmed_up = pytest.mark.parametrize(
    ("name", "settings"),
    [case for case in NAMED if issubclass(schedules.get(case.values[0]), WarmedUp)],
)


def made(name, settings, **changes):
    if name != "joined":
        changes = {"lr": LR, **changes}
    return schedules.create(name, **{**copy.deepcopy(settings), **changes})


def resolved(name, settings, **changes):
    return made(name, settings, **changes).resolve(TOTAL, PER_EPOCH)


def test_every_registered_schedule_has_a_case():
    assert sorted(CASES) == schedules.names()


@every_schedule
def test_the_rate_depends_on_the_update_alone(name, settings):
    once = resolved(name, settings)
    in_order = [once(t) for t in range(TOTAL + 50)]
    order = list(range(TOTAL + 50))
    random.Random(0).shuffle(order)
    again = resolved(name, settings)
    assert {t: again(t) for t in order} == dict(enumerate(in_order))
    assert {t: once(t) for t in order} == dict(enumerate(in_order))


@every_schedule
def test_rates_are_floats_from_zero_to_the_full_rate(name, settings):
    rate = resolved(name, settings)
    found = [rate(t) for t in range(TOTAL + 50)]
    assert all(type(value) is float and math.isfinite(value) for value in found)
    assert all(0 <= value <= LR for value in found)
    assert made(name, settings).lr == LR
    assert max(found) == pytest.approx(LR, rel=1e-3)


@every_schedule
def test_after_the_end_the_rate_stays(name, settings):
    rate = resolved(name, settings)
    assert {rate(TOTAL + more) for more in (0, 1, 50, 10**9)} == {rate(TOTAL)}
    assert rate(TOTAL) <= rate(TOTAL - 1)


@warmed_up
def test_without_warmup_the_first_update_has_the_full_rate(name, settings):
    assert resolved(name, settings)(0) == LR


@warmed_up
def test_warmup_is_the_straight_line_to_the_full_rate(name, settings):
    rate = resolved(name, settings, warmup=WARMUP, warmup_start=START)
    for t in range(WARMUP):
        assert rate(t) == pytest.approx(START + (LR - START) * (t + 1) / WARMUP, rel=1e-12)
    assert rate(WARMUP - 1) == rate(WARMUP) == LR
    assert (WARMUP, "warm-up ends") in rate.moments


@warmed_up
def test_constant_warmup_stays_and_then_jumps(name, settings):
    changes = {"warmup": WARMUP, "warmup_start": START, "warmup_kind": "constant"}
    rate = resolved(name, settings, **changes)
    assert {rate(t) for t in range(WARMUP)} == {START}
    assert rate(WARMUP) == LR


@every_schedule
def test_the_rate_rises_or_jumps_at_marked_moments_only(name, settings):
    rate = resolved(name, settings)
    marked = {0} | {t for t, _ in rate.moments}
    steps = [rate(t) - rate(t - 1) for t in range(1, TOTAL + 50)]
    turns = [t for t in range(2, TOTAL) if steps[t - 1] * steps[t - 2] < 0]
    jumps = [t for t in range(1, TOTAL + 50) if abs(steps[t - 1]) > LR / 8]
    assert {t for t in turns if not {t - 1, t, t + 1} & marked} == set()
    assert set(jumps) <= marked


@every_schedule
def test_moments_are_in_order_and_in_the_training(name, settings):
    changes = {"warmup": WARMUP} if issubclass(schedules.get(name), WarmedUp) else {}
    moments = [t for t, _ in resolved(name, settings, **changes).moments]
    assert moments == sorted(moments)
    assert all(0 < t < TOTAL for t in moments)


@pytest.mark.parametrize("name", LENGTHS)
def test_a_length_in_epochs_or_percent_is_that_in_updates(name):
    setting, others = LENGTHS[name]
    written = [60, "60st", "6ep", "30%"]
    if setting == "at":
        written = [[length] for length in written]
    rates = []
    for length in written:
        rate = resolved(name, others, **{setting: length})
        rates.append([rate(t) for t in range(TOTAL + 1)])
    assert all(found == rates[0] for found in rates)
    assert len(set(rates[0])) > 1


@warmed_up
def test_a_warmup_in_epochs_or_percent_is_that_in_updates(name, settings):
    rates = []
    for warmup in (WARMUP, "2ep", "10%"):
        rate = resolved(name, settings, warmup=warmup)
        rates.append([rate(t) for t in range(TOTAL + 1)])
    assert rates[0] == rates[1] == rates[2]


@every_schedule
def test_what_cannot_be_resolved_is_a_clear_error(name, settings):
    with pytest.raises(ConfigError, match="at least one update"):
        made(name, settings).resolve(0)
    if issubclass(schedules.get(name), WarmedUp):
        for warmup in ("1ep", "1%"):
            with pytest.raises(ConfigError, match=r"where: .*\(warmup=...\)[^|]*fix:"):
                made(name, settings, warmup=warmup).resolve(None)
        with pytest.raises(ConfigError, match="Warm-up takes the whole training"):
            resolved(name, settings, warmup=TOTAL)
    if name in ENDLESS:
        assert 0 <= made(name, settings).resolve(None)(10**6) <= LR
    else:
        with pytest.raises(ConfigError, match="not known[^|]*fix:"):
            made(name, settings).resolve(None)


@pytest.mark.parametrize("name", [name for name in CASES if name != "joined"])
@pytest.mark.parametrize("lr", [0, -1.0, math.nan, "1e-3"])
def test_a_wrong_rate_is_refused_when_made(name, lr):
    with pytest.raises(ConfigError, match=r"\(lr=...\)"):
        made(name, CASES[name][0], lr=lr)


@pytest.mark.parametrize("name", [name for name in CASES if name != "joined"])
@pytest.mark.parametrize("total", [1, 2, 3])
def test_a_training_may_be_very_short(name, total):
    rate = made(name, {**CASES[name][0], **SHORT.get(name, {})}).resolve(total, 1)
    assert all(0 <= rate(t) <= LR for t in range(total + 2))
    assert rate(total) == rate(total + 1)


@every_schedule
def test_mxnet_s_optimizer_makes_each_update_at_its_rate(mx, name, settings):
    schedule = made(name, settings)
    rate = schedule.resolve(TOTAL, PER_EPOCH)
    scheduler = df.interop.as_mxnet_scheduler(schedule, TOTAL, PER_EPOCH)
    optimizer = mx.optimizer.SGD(lr_scheduler=scheduler)
    updater = mx.optimizer.get_updater(optimizer)
    gradient = mx.nd.ones((1,), dtype="float64")
    asked = random.Random(0)
    for t in range(TOTAL + 5):
        weight = mx.nd.zeros((1,), dtype="float64")
        updater(0, gradient, weight)
        assert optimizer.learning_rate == rate(t)
        assert weight.asscalar() == pytest.approx(-rate(t), rel=1e-6, abs=1e-45)
        scheduler(asked.randrange(2 * TOTAL))  # as a log line may, of any update


@every_schedule
def test_mxnet_s_scheduler_is_copied_and_pickled(mx, name, settings):
    scheduler = df.interop.as_mxnet_scheduler(made(name, settings), TOTAL, PER_EPOCH)
    expected = [scheduler(n) for n in range(TOTAL + 5)]
    for twin in (copy.deepcopy(scheduler), pickle.loads(pickle.dumps(scheduler))):
        assert [twin(n) for n in range(TOTAL + 5)] == expected
        assert twin.base_lr == LR


@every_schedule
def test_scores_change_only_one_that_follows_them_and_its_state_brings_that_back(name, settings):
    schedule = made(name, settings)
    rate, untouched = (schedule.resolve(TOTAL, PER_EPOCH) for _ in range(2))
    start = untouched.state_dict()
    for _ in range(3):
        rate.observe({"a/loss": 1.0})
    changed = rate(TOTAL - 1) != untouched(TOTAL - 1)
    assert changed == schedule.scored == bool(start)
    untouched.load_state_dict(rate.state_dict())
    assert [untouched(t) for t in range(TOTAL)] == [rate(t) for t in range(TOTAL)]
    rate.load_state_dict({})
    assert rate.state_dict() == start


@every_schedule
def test_equal_settings_are_equal_schedules(name, settings):
    assert made(name, settings) == made(name, settings)
    assert repr(made(name, settings)) == repr(made(name, settings))
    if name != "joined":
        assert made(name, settings) != made(name, settings, lr=2 * LR)


@every_schedule
def test_settings_are_told_and_cannot_be_changed(name, settings):
    schedule = made(name, settings)
    assert isinstance(schedule, Schedule)
    with pytest.raises(AttributeError):
        schedule.lr = 1.0
    told = inspect.getdoc(type(schedule)) + (WarmedUp.__doc__ + Schedule.__doc__)
    for setting in inspect.signature(type(schedule)).parameters:
        assert f"{setting}:" in told
