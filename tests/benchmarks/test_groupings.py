"""The plan against the truth, where the truth is known; no training."""

import importlib
import math
from itertools import combinations
from pathlib import Path

import pytest

from densefit.tools.grouping.plan import plans

HEADS = ("a", "b", "c")
#: (head, other head) -> what a step for the first does for the second.
TRANSFER = {
    **{("a", "b"): 0.2, ("b", "a"): 0.1, ("a", "c"): -0.3},
    **{("c", "a"): -0.2, ("b", "c"): -0.1, ("c", "b"): -0.2},
}


@pytest.fixture
def groupings(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("groupings")


def truth_of(gain):
    """Group -> head -> its gain in that group."""
    groups = [group for size in (1, 2, 3) for group in combinations(HEADS, size)]
    return {
        group: {head: gain(head, [other for other in group if other != head]) for head in group}
        for group in groups
    }


def mean_transfer(head, others):
    return math.fsum(TRANSFER[other, head] for other in others) / max(len(others), 1)


def test_a_plan_that_knows_the_truth_has_no_regret(groupings):
    ranked = plans(HEADS, TRANSFER, 1, dict.fromkeys(HEADS, 0))
    result = groupings.compared(ranked, truth_of(mean_transfer))
    assert result["groupings"] == 5
    assert result["rank_correlation"] == pytest.approx(1)
    assert result["gain_correlation"] == pytest.approx(1)
    assert all(row["truth"] == row["best_truth"] for row in result["budgets"])
    last = result["budgets"][-1]
    assert last["chosen"] == "a + b | c"
    assert last["truth"] == pytest.approx(0.3)
    assert last["together"] == pytest.approx(sum(mean_transfer(h, set(HEADS) - {h}) for h in HEADS))
    two_networks = [0.3, -0.5, -0.3]  # a + b | c, a + c | b, a | b + c
    assert result["budgets"][1]["random"] == pytest.approx(sum(two_networks) / 3)


def test_a_plan_that_is_wrong_has_regret(groupings):
    ranked = plans(HEADS, TRANSFER, 1, dict.fromkeys(HEADS, 0))
    result = groupings.compared(ranked, truth_of(lambda *of: -mean_transfer(*of)))
    assert result["rank_correlation"] == pytest.approx(-1)
    assert result["budgets"][-1]["truth"] == pytest.approx(-0.3)
    assert result["budgets"][-1]["best_truth"] == pytest.approx(0.5)


def test_changes_are_signed(groupings):
    class Run:
        def __init__(self, scores):
            self.scores = scores
            self.higher = {"a/IoU": True, "b/error": False}

    trained = {
        ("a",): Run({"a/IoU": 0.5}),
        ("b",): Run({"b/error": 10.0}),
        ("a", "b"): Run({"a/IoU": 0.6, "b/error": 12.0}),
    }
    assert groupings.changes(("a", "b"), trained) == pytest.approx({"a": 0.2, "b": -0.2})
