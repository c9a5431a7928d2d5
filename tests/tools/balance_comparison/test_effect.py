"""Verdicts by seeds: known p-values, and simulated scores of known effects."""

import math

import numpy as np
import pytest
from scipy import stats

from densefit.errors import ConfigError
from densefit.tools.balance_comparison.effect import LEVEL, MARGIN, effects


def test_one_method_is_a_paired_t_test():
    rng = np.random.default_rng(0)
    control, method = rng.normal(0.5, 0.01, 8), rng.normal(0.51, 0.01, 8)
    (effect,) = effects({"a": (method - control).tolist()}).values()
    expected = stats.ttest_rel(method, control)
    interval = expected.confidence_interval(1 - LEVEL)
    np.testing.assert_allclose(effect.p, expected.pvalue)
    np.testing.assert_allclose([effect.low, effect.high], [interval.low, interval.high])
    np.testing.assert_allclose(effect.mean, (method - control).mean())


def test_holm_by_hand():
    """Of p-values .01, .04, .03: .03, .06, .06 (and never smaller than the one before)."""
    t = {"a": 0.01, "b": 0.04, "c": 0.03}
    samples = {}
    for name, p in t.items():  # samples of 5 whose t test gives p
        base = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
        shift = stats.t.isf(p / 2, 4) * base.std(ddof=1) / math.sqrt(5)
        samples[name] = (base + shift).tolist()
    corrected = {name: effect.p for name, effect in effects(samples).items()}
    np.testing.assert_allclose([corrected[n] for n in "abc"], [0.03, 0.06, 0.06], rtol=1e-6)


def simulate(effect, methods, seeds, rounds, sd=0.01):
    """Share of rounds in which any method is called different, and in which the first is."""
    rng = np.random.default_rng((methods, seeds))
    any_differs = first_differs = 0
    draws = rng.normal(0, sd, (rounds, methods, seeds))
    draws[:, 0] += effect * sd
    for rows in draws:
        verdicts = effects({str(i): row.tolist() for i, row in enumerate(rows)})
        any_differs += any(v.differs for v in verdicts.values())
        first_differs += verdicts["0"].differs
    return any_differs / rounds, first_differs / rounds


@pytest.mark.parametrize(("methods", "seeds"), [(1, 3), (5, 8)])
def test_without_effect_errors_are_at_most_five_percent(methods, seeds):
    rate, _ = simulate(0, methods, seeds, rounds=300)
    assert rate <= LEVEL + 3 * math.sqrt(LEVEL * (1 - LEVEL) / 300)


def test_an_effect_of_two_deviations_is_seen_by_eight_seeds():
    _, power = simulate(2, methods=5, seeds=8, rounds=300)
    assert power >= 0.8


def test_a_difference_of_the_margin_is_rarely_called_none():
    rng = np.random.default_rng(1)
    called = sum(
        effects({"a": rng.normal(MARGIN, 0.003, 8).tolist()})["a"].is_equal for _ in range(400)
    )
    assert called / 400 <= 0.05


def test_verdicts():
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 1, 8)
    noise = (noise - noise.mean()) / noise.std(ddof=1)

    def verdict(mean, deviation):
        return effects({"a": (mean + deviation * noise).tolist()})["a"]

    assert verdict(0.03, 0.01).verdict == "better"
    assert verdict(-0.03, 0.01).verdict == "worse"
    assert verdict(0.002, 0.001).verdict == "better, by less than 0.5 points"
    assert verdict(0.0, 0.001).verdict == "does not differ by 0.5 points"
    open_case = verdict(0.004, 0.01)
    assert open_case.verdict == f"undecided, {open_case.needed} seeds needed"
    assert open_case.needed > 8
    half = stats.t.ppf(0.975, open_case.needed - 1) * 0.01 / math.sqrt(open_case.needed)
    assert (
        half
        < 0.004
        <= stats.t.ppf(0.975, open_case.needed - 2) * 0.01 / math.sqrt(open_case.needed - 1)
    )
    assert verdict(0.00499, 0.05).verdict == "undecided, 389 seeds needed"
    assert verdict(0.0025, 0.2).verdict == "undecided, over 1,000 seeds needed"


def test_the_smallest_difference_has_a_power_of_eighty_percent():
    seeds, sd = 8, 0.01
    rng = np.random.default_rng(3)
    smallest = np.median(
        [effects({"a": rng.normal(0, sd, seeds).tolist()})["a"].smallest for _ in range(200)]
    )
    power = np.mean(
        [effects({"a": rng.normal(smallest, sd, seeds).tolist()})["a"].differs for _ in range(400)]
    )
    assert 0.7 < power < 0.95


def test_one_seed_decides_nothing():
    effect = effects({"a": [0.3]})["a"]
    assert math.isnan(effect.p)
    assert effect.verdict == "undecided, 2 seeds or more needed"


def test_equal_scores_are_no_difference():
    assert effects({"a": [0.0, 0.0, 0.0]})["a"].verdict == "does not differ by 0.5 points"
    assert effects({"a": [0.01, 0.01]})["a"].verdict == "better"


@pytest.mark.parametrize("values", [[], [0.1, math.nan]])
def test_what_cannot_be_compared(values):
    with pytest.raises(ConfigError, match="'a' cannot be compared"):
        effects({"a": values})
