"""What all trackers share, with a tracker that needs no package."""

import logging
import math

import pytest

import densefit as df
from densefit.callbacks.callback import Control, TrainState
from densefit.callbacks.run_tracker import RunTracker
from densefit.errors import ConfigError


class Store(dict):
    """Run -> its points, files and end."""

    broken = False


class Tracker(RunTracker):
    def __init__(self, store, **settings):
        super().__init__(**settings)
        self.store = store

    def _open(self, earlier):
        if self.store.broken:
            raise OSError("no route to host")
        run = earlier or f"run{len(self.store)}"
        held = self.store.setdefault(run, {"points": [], "files": [], "ends": []})
        last = {}
        for update, name, _ in held["points"]:
            last[name] = max(update, last.get(name, 0))
        return run, last

    def _write(self, update, points):
        if self.store.broken:
            raise OSError("no route to host")
        self.store[self.run_id]["points"] += [(update, *point) for point in points.items()]

    def _add_files(self, files):
        self.store[self.run_id]["files"] += files

    def _close(self, error):
        self.store[self.run_id]["ends"].append(type(error).__name__)


class Die(df.Callback):
    def __init__(self, update):
        self.update = update

    def update_ended(self, state, control):
        if state.update == self.update:
            raise RuntimeError("power cut")


def train(tiny, tracker, last=(), epochs=2, **settings):
    """Epochs of 3 updates."""
    network = tiny.network()
    return df.fit(
        network,
        tiny.loader(network, length=12),
        validation=tiny.loader(network, length=4),
        epochs=epochs,
        callbacks=[tracker, *last],
        progress=False,
        **settings,
    )


def test_points_are_of_updates_epochs_and_validations(tiny):
    store = Store()
    history = train(tiny, Tracker(store, every=2))
    points = store["run0"]["points"]
    assert {(update, name.split("/")[0]) for update, name, _ in points} == {
        *((update, group) for update in (2, 4, 6) for group in ("train", "optimizer")),
        *((update, group) for update in (3, 6) for group in ("epoch", "validation")),
    }
    scores = {name: value for update, name, value in points if update == 6}
    for group, of in (("validation", "validation"), ("epoch", "train")):
        for key, value in history.epochs[-1][of].items():
            assert scores[f"{group}/{key}"] == value
    assert store["run0"]["ends"] == ["NoneType"]


def test_a_failed_training_marks_its_run_and_a_resume_continues_it(tiny, tmp_path):
    whole, parts = Store(), Store()
    train(tiny, Tracker(whole, every=1))
    saved = {"checkpoint": tmp_path / "saved", "resume": "auto"}
    with pytest.raises(RuntimeError):
        train(tiny, Tracker(parts, every=1), [Die(5)], **saved)
    assert parts["run0"]["ends"] == ["RuntimeError"]
    train(tiny, Tracker(parts, every=1), **saved)
    assert list(parts) == ["run0"]
    assert parts["run0"]["ends"] == ["RuntimeError", "NoneType"]
    assert sorted(parts["run0"]["points"]) == sorted(whole["run0"]["points"])  # none is there twice


def test_a_training_that_begins_anew_has_a_run_of_its_own(tiny):
    store = Store()
    tracker = Tracker(store)
    train(tiny, tracker, epochs=1)
    train(tiny, tracker, epochs=1)
    assert list(store) == ["run0", "run1"]
    assert store["run0"]["points"] == store["run1"]["points"]


def test_results_are_logged_before_the_run_ends(tiny, tmp_path):
    store = Store()
    tracker = Tracker(store)
    tracker.waits_for_results = True
    train(tiny, tracker, epochs=1)
    assert store["run0"]["ends"] == []
    tracker.log_results({"a/AP": 0.5, "a/APl": math.nan}, [tmp_path / "report.html"])
    tracker.end(None)
    assert store["run0"]["points"][-1] == (3, "test/a/AP", 0.5)
    assert store["run0"]["files"] == [tmp_path / "report.html"]
    assert store["run0"]["ends"] == ["NoneType"]  # once


@pytest.mark.parametrize("is_broken_at_start", [True, False])
def test_a_tracker_that_cannot_be_reached_costs_a_warning(tiny, caplog, is_broken_at_start):
    store = Store()
    store.broken = is_broken_at_start

    class Break(df.Callback):
        def epoch_ended(self, state, control):
            store.broken = True

    caplog.set_level(logging.WARNING, "densefit")
    history = train(tiny, Tracker(store, every=1), [Break()])
    assert history.update == 6
    warnings = [record.message for record in caplog.records if "no route" in record.message]
    assert len(warnings) == 1
    assert "the training goes on" in warnings[0]


def test_a_run_that_could_not_be_reached_at_a_resume_is_not_lost():
    store = Store()
    store.broken = True
    tracker = Tracker(store)
    tracker.load_state_dict({"run": "run7"})
    tracker.fit_started(TrainState(None, update=3), Control())
    assert tracker.state_dict() == {"run": "run7"}


def test_a_cadence_is_a_number_of_updates():
    with pytest.raises(ConfigError, match="every"):
        Tracker(Store(), every=0)
