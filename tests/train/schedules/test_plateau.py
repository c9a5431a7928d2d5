import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.errors import ConfigError
from densefit.train.schedules import Plateau
from densefit.train.schedules.deferred import Deferred

NAMES = {"min_lr": "final"}


def followed(schedule, scores):
    """The rate after each score."""
    resolved = schedule.resolve(None)
    found = []
    for score in scores:
        resolved.observe({schedule.metric: score, "other": 0.0})
        found.append(resolved(0))
    return found


def plateau(**changes):
    return Plateau(**{"lr": 0.3, "metric": "a/b", "higher_is_better": False, **changes})


@pytest.mark.parametrize("table", ["loss", "score", "absolute", "loss_absolute", "cooldown"])
def test_it_is_torch_s(torch_plateau, table):
    golden = torch_plateau(table)
    changes = {NAMES.get(key, key): value for key, value in golden["settings"].items()}
    higher = changes.pop("mode") == "max"
    scores = [math.nan if score is None else score for score in golden["scores"]]
    got = followed(plateau(higher_is_better=higher, **changes), scores)
    assert got == pytest.approx(golden["rates"], rel=1e-12)
    assert len(set(got)) > 4


def falls(scores, better, patience, cooldown):
    """How often the rate has fallen, told anew from the whole history."""
    best, since, resting, count = None, 0, 0, 0
    for score in scores:
        improved = best is None or better(score, best)
        best = score if improved else best
        since = 0 if improved or resting else since + 1
        resting = max(resting - 1, 0)
        if since == patience + 1:
            since, resting, count = 0, cooldown, count + 1
    return count


@given(
    scores=st.lists(st.integers(0, 9), max_size=40),
    patience=st.integers(0, 3),
    cooldown=st.integers(0, 3),
    higher=st.booleans(),
)
@settings(max_examples=50, deadline=None, derandomize=True)
def test_it_falls_as_told_from_the_whole_history(scores, patience, cooldown, higher):
    schedule = plateau(
        factor=0.5, patience=patience, cooldown=cooldown, higher_is_better=higher,
        threshold=1.5, threshold_mode="abs",
    )  # fmt: skip
    count = falls(scores, lambda a, b: a - b > 1.5 if higher else b - a > 1.5, patience, cooldown)
    assert ([0.3, *followed(schedule, scores)])[-1] == 0.3 * 0.5**count


def test_a_relative_threshold_of_negative_scores_is_of_their_size():
    """torch asks for a > best * 1.1, which worse ones are of negative scores."""
    schedule = plateau(higher_is_better=True, threshold=0.1, patience=0, factor=0.5)
    assert followed(schedule, [-10.0, -10.5, -9.5, -8.9]) == [0.3, 0.15, 0.075, 0.075]
    schedule = plateau(higher_is_better=False, threshold=0.1, patience=0, factor=0.5)
    assert followed(schedule, [-10.0, -9.5, -10.5, -11.1]) == [0.3, 0.15, 0.075, 0.075]


def test_what_is_not_finite_is_no_improvement():
    schedule = plateau(higher_is_better=True, patience=0, factor=0.5)
    assert followed(schedule, [math.nan, math.inf, 0.1]) == [0.15, 0.075, 0.075]
    assert followed(schedule, [0.1, math.inf, 0.2]) == [0.3, 0.15, 0.15]


def test_it_stops_at_the_final_rate():
    schedule = plateau(patience=0, final=0.01)
    assert followed(schedule, [1.0] * 5) == pytest.approx([0.3, 0.03, 0.01, 0.01, 0.01])
    resolved = schedule.resolve(None)
    for _ in range(9):
        resolved.observe({"a/b": 1.0})
    assert resolved.state_dict()["drops"] == 2


def test_a_resumed_one_goes_on(torch_plateau):
    schedule = plateau(patience=2, cooldown=1)
    scores = [score or math.nan for score in torch_plateau("loss")["scores"]]
    expected = followed(schedule, scores)
    for cut in (0, 5, 6, 17, 30):
        first, second = schedule.resolve(100), schedule.resolve(100)
        for score in scores[:cut]:
            first.observe({"a/b": score})
        second.load_state_dict(json.loads(json.dumps(first.state_dict(), allow_nan=False)))
        for score, rate in zip(scores[cut:], expected[cut:]):
            second.observe({"a/b": score})
            assert second(50) == rate


def test_the_state_of_a_schedule_without_one_is_the_beginning():
    resolved = plateau(patience=0).resolve(10)
    resolved.observe({"a/b": 1.0})
    resolved.observe({"a/b": 1.0})
    resolved.load_state_dict({})
    assert resolved(5) == 0.3


def test_warmup_rises_until_it_meets_the_rate():
    resolved = plateau(lr=1.0, patience=0, factor=0.5, warmup=10).resolve(100)
    assert resolved.moments == ((10, "warm-up ends"),)
    assert [resolved(t) for t in (0, 4, 9, 50)] == pytest.approx([0.1, 0.5, 1.0, 1.0])
    resolved.observe({"a/b": 1.0})
    resolved.observe({"a/b": 1.0})
    assert [resolved(t) for t in (0, 4, 9, 50)] == pytest.approx([0.1, 0.5, 0.5, 0.5])


def test_the_metric_s_own_direction_is_taken():
    known = {"class/accuracy": True, "value/mse": False}
    accuracy = Plateau(0.1, "class/accuracy").judged_by(known)
    assert accuracy.higher_is_better is True
    assert Plateau(0.1, "value/mse").judged_by(known).higher_is_better is False
    assert followed(accuracy, [0.5, 0.6, 0.7])[-1] == 0.1
    given = Plateau(0.1, "class/accuracy", higher_is_better=False)
    assert given.judged_by(known) == given


def test_a_score_that_is_not_there():
    with pytest.raises(ConfigError, match="did you mean 'class/accuracy'"):
        Plateau(0.1, "class/acuracy").judged_by({"class/accuracy": True})
    resolved = plateau().resolve(10)
    with pytest.raises(ConfigError, match="no score 'a/b'"):
        resolved.observe({"a/c": 1.0})


def test_without_a_direction_it_is_not_resolved():
    with pytest.raises(ConfigError, match="Whether a high 'a/b' is good is not known"):
        Plateau(0.1, "a/b").resolve(10)


@pytest.mark.parametrize(
    "changes",
    [
        {"metric": None},
        {"factor": 1.0},
        {"factor": 0},
        {"patience": -1},
        {"patience": 1.5},
        {"cooldown": -1},
        {"threshold": -0.1},
        {"threshold_mode": "relative"},
        {"final": 0.4},
    ],
)
def test_wrong_settings_are_refused_when_made(changes):
    (setting,) = changes
    with pytest.raises(ConfigError, match=rf"Plateau\({setting}=...\)"):
        plateau(**changes)


def test_a_standing_goes_on_whether_or_not_the_length_was_known():
    """And begins anew in another direction, or behind a schedule without one."""
    plateau = Plateau(1.0, "a/loss", patience=0, higher_is_better=False)
    first = plateau.resolve(total=None)
    for _ in range(2):
        first.observe({"a/loss": 0.5})
    deferred = Deferred(plateau)
    deferred.load_state_dict(first.state_dict())
    assert deferred(10) == first(10) == 0.1
    again = plateau.resolve(total=None)
    again.load_state_dict(deferred.state_dict())
    assert again.standing == first.standing
    other = Plateau(1.0, "a/loss", patience=0, higher_is_better=True).resolve(total=None)
    other.load_state_dict(first.state_dict())
    assert other(10) == 1.0
    again.load_state_dict({})
    assert again(10) == 1.0


def test_scores_of_fewer_samples_are_not_followed():
    rate = Plateau(1.0, "a/mIoU", patience=0, higher_is_better=True).resolve(total=None)
    for score, unreadable, standing in [
        (0.5, 1, (0.5, 0)),
        (0.9, 2, (0.5, 0)),
        (0.3, 0, (0.3, 0)),
        (0.9, 1, (0.3, 0)),
        (0.2, 0, (0.3, 1)),
    ]:
        rate.observe({"a/mIoU": score, "samples/unreadable": float(unreadable)})
        assert (rate.standing.best, rate.standing.drops) == standing
