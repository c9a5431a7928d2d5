import json

import pytest

import densefit as df
from densefit.callbacks import Control, TimeBudget, TrainState
from densefit.callbacks.time_budget import parse_time
from densefit.errors import ConfigError


class Clock:
    """A second passes with each update, three with each validation."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Passing(df.Callback):
    def __init__(self, clock):
        self.clock = clock

    def update_ended(self, state, control):
        self.clock.now += 1

    def validated(self, state, control):
        self.clock.now += 3


def train(tiny, budget, clock=None, **settings):
    """A training of 3 updates an epoch under a budget in this clock's seconds."""
    clock = clock or Clock()
    network = tiny.network()
    loader = tiny.loader(network, length=12)
    log = tiny.Log()
    history = df.fit(
        network,
        loader,
        validation=tiny.loader(network, length=4),
        epochs=4,
        optimizer_params={"learning_rate": 0.01},
        callbacks=[Passing(clock), TimeBudget(clock=clock, **budget), log],
        **settings,
    )
    return history, log


def test_training_ends_in_mid_epoch_and_is_validated_and_saved(tiny, tmp_path):
    history, log = train(tiny, {"budget": "2s"}, checkpoint=tmp_path)
    assert history.update == 2
    assert history.stop_reason == "the time budget of 0:02 is spent (0:02)"
    assert log.events == ["fit", "epoch", 1, 2, "end", "validated", "saved", "done"]
    assert history.last_validation


def test_a_validation_that_takes_the_rest_is_the_last(tiny):
    history, log = train(tiny, {"budget": 5})
    assert history.update == 3
    assert log.events == ["fit", "epoch", 1, 2, 3, "end", "validated", "done"]


def test_the_reserve_is_kept(tiny):
    history, _ = train(tiny, {"budget": "5s", "reserve": "4s"})
    assert history.update == 1
    assert "0:05, 0:04 of which are kept for the end, is spent" in history.stop_reason


def test_time_enough_changes_nothing(tiny):
    history, _ = train(tiny, {"budget": "1h"})
    assert (history.update, history.stop_reason) == (12, None)


def test_the_time_counts_over_resumes(tiny, tmp_path):
    train(tiny, {"budget": "4s"}, checkpoint=tmp_path)
    again, log = train(tiny, {"budget": "4s"}, checkpoint=tmp_path, resume="auto")
    assert log.events == ["fit", "done"]  # nothing is trained, and nothing lost
    assert "is spent" in again.stop_reason
    longer, _ = train(tiny, {"budget": "1h"}, checkpoint=tmp_path, resume="auto")
    assert longer.update == 12


def test_a_validation_before_the_save_counts_too():
    clock = Clock()
    first, second = TimeBudget(10, clock=clock), TimeBudget(10, clock=clock)
    first.fit_started(TrainState(None), Control())
    clock.now += 8
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert second.state_dict() == {"seconds": 8.0}
    second.fit_started(TrainState(None, seconds=1.0), control := Control())
    clock.now += 1.9
    second.update_ended(TrainState(None), control)
    assert control.stop_reason is None
    clock.now += 0.2
    second.update_ended(TrainState(None), control)
    assert control.stop_reason is not None


def test_each_start_has_the_whole_budget():
    for each_start, stops in ((True, False), (False, True)):
        control = Control()
        callback = TimeBudget(10, each_start=each_start)
        callback.fit_started(TrainState(None, seconds=60.0), control)
        assert (control.stop_reason is not None) is stops


def test_another_reason_to_stop_is_kept():
    control = Control()
    control.stop("it is good enough")
    callback = TimeBudget(1)
    callback.fit_started(TrainState(None, seconds=60.0), control)
    assert control.stop_reason == "it is good enough"


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("30m", 1800),
        ("2h", 7200),
        ("1h 30m", 5400),
        ("1D", 86400),
        (".5m", 30),
        ("45", 45),
        (0.5, 0.5),
        (0, 0),
    ],
)
def test_times(given, seconds):
    assert parse_time(given) == seconds


@pytest.mark.parametrize(
    "given",
    ["", "h", "3 weeks", "-3m", -1, float("nan"), float("inf"), None, True, "1.2.3h", "nan"],
)
def test_what_is_no_time(given):
    with pytest.raises(ConfigError, match="'1h30m'"):
        parse_time(given)


@pytest.mark.parametrize("settings", [{"budget": 0}, {"budget": "5m", "reserve": "300s"}])
def test_wrong_settings(settings):
    with pytest.raises(ConfigError, match="no time to train"):
        TimeBudget(**settings)
