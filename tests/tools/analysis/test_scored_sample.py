import math

import pytest

from densefit.tools.analysis.scored_sample import ScoredSample, chosen


def samples(count):
    return [
        ScoredSample(f"{index:02d}", index / count, {(0, "right"): 1}) for index in range(count)
    ]


def test_all_of_few_the_worst_first():
    few = samples(3)[::-1]
    assert [sample.id for sample in chosen(few, 5)] == ["00", "01", "02"]
    assert [sample.id for sample in chosen(few, 5, higher=False)] == ["02", "01", "00"]


def test_the_worst_and_some_of_the_best():
    ids = [sample.id for sample in chosen(samples(50), 12)]
    assert ids == [*(f"{index:02d}" for index in range(10)), "48", "49"]


def test_rare_outcomes_are_among_them():
    many = samples(50)
    many[30] = ScoredSample("30", 0.6, {(2, "missed"): 1})
    ids = [sample.id for sample in chosen(many, 12)]
    assert "30" in ids
    assert len(ids) == 12


@pytest.mark.parametrize("count", [0, 1, 2, 5, 11])
def test_never_more_than_asked_for(count):
    assert len(chosen(samples(20), count)) == count


def test_undefined_scores_are_left_out():
    assert chosen([ScoredSample("a", math.nan)], 3) == []
