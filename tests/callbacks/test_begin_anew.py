"""A callback begins anew with a training that begins anew, and keeps its state at a resume.

Every Callback in `densefit.callbacks` has a maker here; a new one needs one. Trackers, which name
each run anew, are looked at in test_run_tracker.py and beside it.
"""

import importlib
import io
import json
import pkgutil
import re
from types import SimpleNamespace

import pytest

import densefit as df
import densefit.callbacks
from densefit.callbacks.csv_log import read_rows
from densefit.callbacks.default_progress import EpochLog
from densefit.callbacks.jsonl import read_lines
from densefit.callbacks.run_tracker import RunTracker
from densefit.callbacks.scored_callback import ScoredCallback
from densefit.callbacks.tensorboard import read_events


class Ticks(df.Callback):
    """A clock that goes by updates."""

    def __init__(self):
        self.now = 0.0

    def update_ended(self, state, control):
        self.now += 1.0


def early_stopping(place):
    # Whatever comes second is no improvement: it stops after two validations.
    return df.callbacks.EarlyStopping("bright/mae", patience=1, min_delta=1e6)


#: Class -> how it is made of a place: its folder, and a clock.
MAKERS = {
    df.callbacks.CSVLog: lambda place: df.callbacks.CSVLog(place.folder / "log.csv"),
    df.callbacks.Curves: lambda place: df.callbacks.Curves(place.folder, "none.jsonl"),
    df.callbacks.EarlyStopping: early_stopping,
    df.callbacks.JSONLines: lambda place: df.callbacks.JSONLines(place.folder / "lines.jsonl", 1),
    df.callbacks.Memory: lambda place: df.callbacks.Memory(
        place.folder / "memory.jsonl", lambda: {"memory/host": 5.0}
    ),
    df.callbacks.ProfileLine: lambda place: df.callbacks.ProfileLine(stream=place.stream),
    df.callbacks.Profiler: lambda place: df.callbacks.Profiler(stream=place.stream),
    df.callbacks.Progress: lambda place: df.callbacks.Progress(0.0, stream=place.stream),
    df.callbacks.StopOnNonFinite: lambda place: df.callbacks.StopOnNonFinite(1),
    df.callbacks.TensorBoard: lambda place: df.callbacks.TensorBoard(place.folder / "board", 1),
    df.callbacks.TimeBudget: lambda place: df.callbacks.TimeBudget(4.5, clock=place.clock),
    EpochLog: lambda place: EpochLog(),
    ScoredCallback: lambda place: ScoredCallback(),
}

#: Those that end a training are tried alone, all others together.
STOP = (df.callbacks.EarlyStopping, df.callbacks.TimeBudget)
GROUPS = {"others": [kind for kind in MAKERS if kind not in STOP]}
GROUPS.update({kind.__name__: [kind] for kind in STOP})


def subclasses(kind):
    return {kind}.union(*map(subclasses, kind.__subclasses__()))


def test_every_callback_has_a_maker():
    for module in pkgutil.iter_modules(densefit.callbacks.__path__, "densefit.callbacks."):
        importlib.import_module(module.name)
    found = {
        kind
        for kind in subclasses(df.Callback) - {df.Callback} - subclasses(RunTracker)
        if kind.__module__.startswith("densefit.callbacks.")
    }
    assert found == set(MAKERS)


def make(folder, kinds):
    ticks = Ticks()
    place = SimpleNamespace(folder=folder, clock=lambda: ticks.now, stream=io.StringIO())
    folder.mkdir(exist_ok=True)
    return SimpleNamespace(own=[MAKERS[kind](place) for kind in kinds], ticks=ticks, place=place)


def train(tiny, made, epochs=4, **settings):
    """Up to 4 epochs of 2 updates; (what it came to, what the callbacks know and have left)."""
    made.place.stream.seek(0)
    made.place.stream.truncate()
    network = tiny.network()
    history = df.fit(
        network,
        tiny.loader(network, 8, 4, workers=0),
        validation=tiny.loader(network, 4, 4, workers=0),
        epochs=epochs,
        callbacks=[made.ticks, *made.own],
        progress=False,
        **settings,
    )
    states = [without_seconds(callback.state_dict()) for callback in made.own]
    return SimpleNamespace(history=plain(history), states=states, files=left(made.place.folder))


def plain(history):
    epochs = [without_seconds(epoch) for epoch in history.epochs]
    return epochs, history.update, history.stop_reason


def without_seconds(row):
    return {key: value for key, value in row.items() if key != "seconds"}


def left(folder):
    """What the files in a folder say, but for seconds."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".jsonl":
            found[path.name] = [without_seconds(line) for line in read_lines(path)]
        elif path.suffix == ".csv":
            found[path.name] = [without_seconds(row) for row in read_rows(path)]
        elif "tfevents" in path.name:
            points = [
                (event.step, [(value.tag, value.simple_value) for value in event.summary.value])
                for event in read_events(path)
                if event.summary.value
            ]
            found["points"] = [*found.get("points", []), *points]
        else:
            found[path.name] = path.is_file()
    return found


def shown(made):
    """Lines of text, without figures of time and memory."""
    return [re.sub(r"\d[\d.,:e+-]*", "", line) for line in made.place.stream.getvalue().split("\n")]


@pytest.mark.parametrize("group", GROUPS)
def test_used_twice_it_does_as_a_new_one(tiny, tmp_path, group):
    first, second = make(tmp_path / "a", GROUPS[group]), make(tmp_path / "b", GROUPS[group])
    train(tiny, first, epochs=3)
    first.place.folder.rename(tmp_path / "earlier")
    again, new = train(tiny, first), train(tiny, second)
    assert again.history == new.history
    assert json.dumps(again.states) == json.dumps(new.states)
    assert again.files == new.files
    if group == "others":
        assert len(again.history[0]) == 4
        assert len(shown(first)) == len(shown(second))
    else:
        assert 0 < again.history[1] < 8
        assert again.history[2]


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("is_new", [False, True])
def test_a_resume_goes_on_where_it_stood(tiny, tmp_path, group, is_new):
    whole = train(tiny, make(tmp_path / "a", GROUPS[group]))
    half = make(tmp_path / "b", GROUPS[group])
    saved = {"checkpoint": tmp_path / "saved", "resume": "auto"}
    train(tiny, half, epochs=1, **saved)
    rest = train(tiny, make(tmp_path / "b", GROUPS[group]) if is_new else half, **saved)
    assert rest.history == whole.history
    assert json.dumps(rest.states) == json.dumps(whole.states)
    if group == "others":  # MXNet's validation is scored at the same updates in both
        assert rest.files == whole.files


def test_an_early_stopping_of_another_direction_begins_anew():
    state = {"metric": "a/x", "higher_is_better": True, "best": 0.5, "waited": 3}
    stopping = df.callbacks.EarlyStopping("a/x", patience=3)
    stopping.load_state_dict(state)
    control = df.callbacks.Control()
    stopping.fit_started(df.callbacks.TrainState(None, directions={"a/x": False}), control)
    assert (stopping.best, stopping.waited, control.stop_reason) == (None, 0, None)
