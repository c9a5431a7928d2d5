import pytest

from densefit.errors import ConfigError
from densefit.train.schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Linear,
    OneCycle,
    Plan,
    Poly,
    Resolved,
    Step,
    schedules,
)


def test_a_resolved_schedule_stays_where_it_ends():
    resolved = Resolved(lambda t: t, total=5)
    assert [resolved(t) for t in (0, 4, 5, 6, 10**9)] == [0, 4, 5, 5, 5]
    assert isinstance(resolved(3), float)
    assert Resolved(lambda t: t, total=None)(10**9) == 10**9


def test_marks_after_the_end_are_left_out():
    moments = [(3, "a"), (5, "b"), (9, "c")]
    assert Resolved(float, 5, moments).moments == ((3, "a"),)
    assert Resolved(float, None, moments).moments == tuple(moments)


def test_without_a_state_scores_change_nothing():
    resolved = Cosine(0.1).resolve(10)
    before = [resolved(t) for t in range(10)]
    resolved.observe({"a/loss": 1.0})
    resolved.load_state_dict({"best": 1.0})  # of another schedule
    assert [resolved(t) for t in range(10)] == before
    assert resolved.state_dict() == {}
    assert Cosine(0.1).judged_by({}) == Cosine(0.1)


def test_durations_of_a_plan():
    plan = Plan(total=40, updates_per_epoch=10)
    assert [plan.updates(length) for length in ("2ep", "25%", 7, "7st")] == [20, 10, 7, 7]
    with pytest.raises(ConfigError, match=r"where: +Step\(at=...\)"):
        Plan(None, None).updates("1ep", "Step(at=...)")


@pytest.mark.parametrize(
    "schedule",
    [
        Cosine(0.1),
        Poly(0.1),
        Linear(0.1),
        OneCycle(0.1),
        Step(0.1),
        Constant(0.1, warmup="1%"),
        CosineRestarts(0.1, period="10%"),
    ],
)
def test_a_needed_length_that_is_not_known(schedule):
    with pytest.raises(ConfigError, match="length is not known"):
        schedule.resolve(None)


def test_no_updates_and_negative_updates():
    with pytest.raises(ConfigError, match="at least one update"):
        Constant(0.1).resolve(0)
    with pytest.raises(ConfigError, match="count from 0"):
        Constant(0.1).resolve(10)(-1)


@pytest.mark.parametrize("lr", [0.0, -0.1, float("nan"), float("inf"), None, True, "fast", [0.1]])
def test_a_rate_is_a_number_above_0(lr):
    with pytest.raises(ConfigError, match=r"Constant\(lr=...\)"):
        Constant(lr)


def test_a_rate_that_yaml_reads_as_text_says_how_to_write_it():
    with pytest.raises(ConfigError, match="received: lr='1e-3'[^|]*fix: +write 0.001"):
        Cosine("1e-3")


def test_schedules_are_found_by_name():
    assert schedules.create("cosine", lr=0.1, warmup="5%") == Cosine(0.1, warmup="5%")
    assert schedules.create("one_cycle", lr=0.1) == OneCycle(0.1)
    with pytest.raises(ConfigError, match="did you mean 'cosine_restarts'"):
        schedules.create("cosine_restart", lr=0.1)
