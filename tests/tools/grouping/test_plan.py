"""Groupings, against a search by hand."""

import itertools
import math

import numpy as np
import pytest

from densefit.errors import ConfigError
from densefit.tools.grouping.plan import partitions, plans

HEADS = ["a", "b", "c"]
COSTS = {"a": 10, "b": 20, "c": 30}


def transfer(**pairs):
    every = {(first, second): 0.0 for first, second in itertools.permutations(HEADS, 2)}
    return {**every, **{tuple(pair.split("_")): value for pair, value in pairs.items()}}


@pytest.mark.parametrize(("count", "bell"), [(1, 1), (3, 5), (5, 52), (8, 4140)])
def test_every_partition_once(count, bell):
    heads = tuple("abcdefgh"[:count])
    found = {frozenset(map(frozenset, groups)) for groups in partitions(heads)}
    assert len(found) == len(list(partitions(heads))) == bell
    for groups in found:
        assert sorted(itertools.chain(*groups)) == list(heads)


def test_friends_are_together_and_others_apart():
    best = plans(HEADS, transfer(a_b=0.4, b_a=0.2, a_c=-0.5, c_a=-0.3, b_c=0.1), 100, COSTS)[0]
    assert best.groups == (("a", "b"), ("c",))
    assert best.gains == {"a": 0.2, "b": 0.4, "c": 0.0}
    assert best.cost == 2 * 100 + 60
    assert str(best) == "a + b | c"


def test_a_gain_is_the_mean_over_the_network():
    together = transfer(a_b=0.4, b_a=0.2, a_c=0.2, c_a=0.4, b_c=0.6, c_b=0.2)
    whole = next(p for p in plans(HEADS, together, 1, COSTS) if len(p.groups) == 1)
    assert whole.gains == pytest.approx({"a": 0.3, "b": 0.3, "c": 0.4})


def test_the_budget_decides_between_good_and_cheap():
    apart = transfer(a_b=-0.4, b_a=-0.2, a_c=-0.5, c_a=-0.3, b_c=-0.1, c_b=0.05)
    costs = [plan.cost for plan in plans(HEADS, apart, 100, COSTS, budget=260)]
    assert max(costs) == 260
    assert plans(HEADS, apart, 100, COSTS)[0].cost == 360
    assert plans(HEADS, apart, 100, COSTS, budget=260)[0].groups == (("a",), ("b", "c"))
    assert [str(p) for p in plans(HEADS, apart, 100, COSTS, budget=200)] == ["a + b + c"]
    with pytest.raises(ConfigError, match="less than one network"):
        plans(HEADS, apart, 100, COSTS, budget=100)


def test_without_any_effect_one_network_is_cheapest():
    assert plans(HEADS, transfer(), 100, COSTS)[0].groups == (("a", "b", "c"),)


def test_the_first_plan_is_the_best_of_all():
    rng = np.random.default_rng(0)
    heads = list("abcde")
    pairs = {pair: rng.normal() for pair in itertools.permutations(heads, 2)}
    ranked = plans(heads, pairs, 100, dict.fromkeys(heads, 1))

    def total(groups):
        return sum(
            np.mean([pairs[p, h] for p in group if p != h])
            for group in groups
            for h in group
            if len(group) > 1
        )

    assert ranked[0].total == pytest.approx(max(total(g) for g in partitions(tuple(heads))))
    totals = [plan.total for plan in ranked]
    assert totals == sorted(totals, reverse=True)
    assert all(math.isclose(plan.total, total(plan.groups), abs_tol=1e-12) for plan in ranked)


def test_with_steps_of_one_length_a_gain_is_a_cosine():
    """Against gradients as vectors; a head with a small gradient is drowned by others."""
    rng = np.random.default_rng(0)
    vectors = dict(zip(HEADS, rng.normal(size=(3, 5)) * [[10.0], [1.0], [1.0]]))
    vectors["c"] = vectors["b"] + 0.1 * vectors["c"]
    squares = {head: vector @ vector for head, vector in vectors.items()}
    pairs = {
        (a, b): vectors[a] @ vectors[b] / squares[b] for a, b in itertools.permutations(HEADS, 2)
    }
    ranked = plans(HEADS, pairs, 100, COSTS, squares=squares)
    for plan in ranked:
        for group in plan.groups:
            step = sum(vectors[head] for head in group)
            for head in group:
                length = np.linalg.norm(step) * np.linalg.norm(vectors[head])
                assert plan.gains[head] == pytest.approx(vectors[head] @ step / length - 1)
    two = plans(HEADS, pairs, 100, COSTS, budget=260, squares=squares)
    assert two[0].groups == (("a",), ("b", "c"))


def test_gradients_that_cancel_leave_no_step():
    pairs = {("a", "b"): -1.0, ("b", "a"): -1.0}
    ranked = plans(["a", "b"], pairs, 1, COSTS, squares={"a": 4.0, "b": 4.0})
    assert ranked[0].groups == (("a",), ("b",))
    assert ranked[1].gains == {"a": -1.0, "b": -1.0}


def test_what_cannot_be_planned():
    pairs = transfer()
    del pairs["a", "c"]
    with pytest.raises(ConfigError, match="none for a/c"):
        plans(HEADS, pairs, 1, COSTS)
    with pytest.raises(ConfigError, match="8 at most"):
        plans([str(n) for n in range(9)], {}, 1, {})
