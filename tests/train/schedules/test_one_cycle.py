import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.errors import ConfigError
from densefit.train.schedules import OneCycle


@pytest.mark.parametrize(
    ("table", "changes"),
    [
        ("one_cycle", {}),
        ("one_cycle_fractions", {"pct_start": 0.27}),
        (
            "one_cycle_linear",
            {"anneal": "linear", "pct_start": 0.4, "div_factor": 10, "final_div_factor": 100},
        ),
        ("one_cycle_three", {"three_phase": True}),
        ("one_cycle_three_linear", {"three_phase": True, "anneal": "linear", "pct_start": 0.45}),
    ],
)
def test_it_is_torch_s(rates, torch_rates, table, changes):
    expected = torch_rates(table)
    got = rates(OneCycle(0.3, **changes), total=len(expected))
    assert got == pytest.approx(expected, rel=1e-12)


def test_it_ends_at_the_last_update_and_stays():
    resolved = OneCycle(0.3).resolve(50)
    assert resolved(0) == pytest.approx(0.012)
    assert resolved(49) == resolved(50) == resolved(51) == pytest.approx(0.3 / 25 / 1e4)
    assert resolved(48) > resolved(49)


@given(
    total=st.integers(1, 60),
    pct=st.floats(0.0, 1.0),
    anneal=st.sampled_from(["cos", "linear"]),
    three=st.booleans(),
)
@settings(max_examples=50, deadline=None, derandomize=True)
def test_every_rate_lies_between_the_ends_and_the_peak(total, pct, anneal, three):
    schedule = OneCycle(1.0, pct / 2 if three else pct, anneal=anneal, three_phase=three)
    resolved = schedule.resolve(total)
    got = [resolved(t) for t in range(total + 2)]
    assert all(4e-6 * (1 - 1e-9) <= rate <= 1.0 for rate in got)
    peak = got.index(max(got))
    assert got[: peak + 1] == sorted(got[: peak + 1])
    assert got[peak:] == sorted(got[peak:], reverse=True)


@pytest.mark.parametrize("three", [False, True])
def test_a_rise_of_one_update_is_the_peak_at_once(three):
    resolved = OneCycle(1.0, pct_start=0.1, three_phase=three).resolve(10)  # torch divides by 0
    assert resolved(0) == 1.0
    assert resolved(1) < 1.0


def test_phases_are_marked():
    assert OneCycle(0.3).resolve(100).moments == ((29, "falls"),)
    marks = OneCycle(0.3, three_phase=True).resolve(100).moments
    assert marks == ((29, "falls"), (58, "is back at the start"))
    assert OneCycle(0.3, pct_start=0).resolve(100).moments == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"pct_start": 1.1},
        {"pct_start": 0.6, "three_phase": True},
        {"div_factor": 0.5},
        {"final_div_factor": 0},
        {"anneal": "cosine"},
    ],
)
def test_wrong_settings_are_refused_when_made(changes):
    with pytest.raises(ConfigError, match="out of range"):
        OneCycle(0.1, **changes)
