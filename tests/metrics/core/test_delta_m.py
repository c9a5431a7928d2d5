"""Signed relative changes and their mean, against numbers worked out by hand."""

import math

import pytest

from densefit.errors import ConfigError
from densefit.metrics.core.delta_m import DeltaM, DeltaMScore, delta_m, relative_change


def test_better_is_above_0_in_both_directions():
    assert relative_change(44.0, 40.0, True) == pytest.approx(0.1)
    assert relative_change(36.0, 40.0, False) == pytest.approx(0.1)
    assert relative_change(36.0, 40.0, True) == pytest.approx(-0.1)
    assert relative_change(-1.0, -2.0, True) == pytest.approx(0.5)  # better, though negative


def test_the_mean_over_tasks():
    """mIoU 40 -> 38 is -5 %; an error of 0.50 -> 0.45 is +10 %; AP 0.20 -> 0.23 is +15 %."""
    alone = {"mask/mIoU": 40.0, "depth/rmse": 0.50, "boxes/AP": 0.20}
    together = {"mask/mIoU": 38.0, "depth/rmse": 0.45, "boxes/AP": 0.23, "other/x": 7.0}
    higher = {"mask/mIoU": True, "depth/rmse": False, "boxes/AP": True, "other/x": True}
    found = delta_m(together, alone, higher)
    assert found.mean == pytest.approx(0.2 / 3)
    assert found.without == ()
    assert str(found) == "+0.0667"
    assert delta_m(alone, alone, higher) == DeltaM(0.0)


def test_a_baseline_of_0_is_left_out_and_named():
    """+10 % and -30 %; the AP that was 0 alone says nothing, whatever it is together."""
    alone = {"mask": 0.4, "boxes": 0.0, "depth": 1.0}
    higher = {"mask": True, "boxes": True, "depth": False}
    for boxes in (0.0, 0.3, math.nan):
        found = delta_m({"mask": 0.44, "boxes": boxes, "depth": 1.3}, alone, higher)
        assert found.mean == pytest.approx(-0.1)
        assert found.without == ("boxes",)
        assert str(found) == "-0.1000 without boxes (baseline 0)"
    nothing = delta_m({"a": 1.0}, {"a": 0.0}, {"a": True})
    assert math.isnan(nothing.mean)
    assert nothing.without == ("a",)


def test_what_is_undefined():
    assert math.isnan(relative_change(0.1, 0.0, True))
    assert math.isnan(relative_change(math.nan, 0.5, True))
    assert math.isnan(delta_m({}, {}, {}).mean)
    both = {"a": True, "b": True}
    assert math.isnan(delta_m({"a": math.nan, "b": 1}, {"a": 1, "b": 1}, both).mean)
    assert math.isnan(delta_m({"a": 1, "b": 1}, {"a": math.nan, "b": 1}, both).mean)


def test_a_validation_is_scored_by_its_baselines_alone():
    higher = {"a/AP": True, "b/RMSE": False}
    score = DeltaMScore({"a/AP": 0.5, "b/RMSE": 4.0}, higher)
    scores = {"a/AP": 0.75, "b/RMSE": 4.5, "a/AP50": 0.9}
    assert score(scores) == delta_m(scores, {"a/AP": 0.5, "b/RMSE": 4.0}, higher).mean == 0.1875
    assert score.higher_is_better
    score.check({"a/AP": True, "b/RMSE": False, "c": True})
    with pytest.raises(ConfigError, match="b/RMSE"):
        score.check({"a/AP": True})
    with pytest.raises(ConfigError, match="b/RMSE"):
        score({"a/AP": 0.75})


@pytest.mark.parametrize("baselines", [{}, {"a": 0.5}, {"a": 0.5, "c": 1.0}, {"a": 0, "b": 0}])
def test_baselines_are_of_the_main_scores(baselines):
    with pytest.raises(ConfigError, match="training.baselines"):
        DeltaMScore(baselines, {"a": True, "b": True})
