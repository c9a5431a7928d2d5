import csv
import math

import numpy as np
import pytest

import densefit as df
from densefit.callbacks import Control, CSVLog, TrainState
from densefit.errors import DataError


def table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def without_time(path):
    return [{key: cell for key, cell in row.items() if key != "seconds"} for row in table(path)]


class Die(df.Callback):
    def __init__(self, update):
        self.update = update

    def update_ended(self, state, control):
        if state.update == self.update:
            raise RuntimeError("power cut")


def train(tiny, out, last=(), name="log.csv", epochs=4, **settings):
    """Epochs of 3 updates, validated every 2 updates and at the end."""
    network = tiny.network()
    return df.fit(
        network,
        tiny.loader(network, length=12, shuffle=True),
        validation=tiny.loader(network, length=5),
        validate_every="2st",
        epochs=epochs,
        optimizer_params={"learning_rate": 0.05},
        callbacks=[CSVLog(out / name), *last],
        **settings,
    )


def test_a_row_an_epoch_and_one_for_each_validation_between(tiny, tmp_path):
    history = train(tiny, tmp_path / "new" / "folder")
    rows = table(tmp_path / "new" / "folder" / "log.csv")
    assert [(int(row["epoch"]), int(row["update"])) for row in rows] == [
        (0, 2),
        (0, 3),
        (1, 4),
        (1, 6),
        (2, 8),
        (2, 9),
        (3, 10),
        (3, 12),
    ]
    assert list(rows[0]) == [
        *("epoch", "update", "seconds", "lr"),
        *("train/bright/loss", "validation/bright/mae"),
    ]
    # Between epochs there is no training number; at an epoch's end both are in one row.
    assert [bool(row["train/bright/loss"]) for row in rows[:4]] == [False, True, False, True]
    assert [bool(row["validation/bright/mae"]) for row in rows[:4]] == [True, False, True, True]
    assert float(rows[-1]["train/bright/loss"]) == history.epochs[-1]["train"]["bright/loss"]
    assert float(rows[-1]["validation/bright/mae"]) == history.last_validation["bright/mae"]
    assert float(rows[-1]["lr"]) == 0.05
    seconds = [float(row["seconds"]) for row in rows]
    assert seconds == sorted(seconds)


@pytest.mark.parametrize(("died", "every"), [(5, "1ep"), (7, "2st"), (8, "3st")])
def test_a_resumed_training_leaves_the_same_table(tiny, tmp_path, died, every):
    train(tiny, tmp_path, name="whole.csv")
    saver = {"checkpoint": df.Saver(tmp_path / "run", every=every)}
    with pytest.raises(RuntimeError, match="power cut"):
        train(tiny, tmp_path, last=[Die(died)], **saver)
    train(tiny, tmp_path, resume="auto", **saver)
    assert without_time(tmp_path / "log.csv") == without_time(tmp_path / "whole.csv")


def test_an_epoch_that_was_stopped_and_goes_on_has_one_row(tiny, tmp_path):
    """Of its first part, the validation stays."""
    train(tiny, tmp_path, checkpoint=tmp_path / "run", epochs=None, updates=5)
    history = train(tiny, tmp_path, checkpoint=tmp_path / "run", epochs=2, resume="auto")
    rows = table(tmp_path / "log.csv")
    trained = {row["update"]: row["train/bright/loss"] for row in rows if row["train/bright/loss"]}
    assert list(trained) == ["3", "6"]
    assert float(trained["6"]) == history.epochs[1]["train"]["bright/loss"]
    assert [row["update"] for row in rows if row["validation/bright/mae"]] == ["2", "4", "5", "6"]


def feed(callback, update, train=None, validation=None):
    callback.epoch_started(TrainState(None, epoch=update - 1), Control())
    state = TrainState(None, update=update, train=lambda: train or {}, validation=validation or {})
    callback.epoch_ended(state, Control())
    if validation:
        callback.validated(state, Control())


def test_columns_that_appear_later(tmp_path):
    callback = CSVLog(tmp_path / "log.csv")
    callback.fit_started(TrainState(None), Control())
    feed(callback, 1, {"a/loss": 1.0}, {"a/mIoU": 0.5})
    feed(callback, 2, {"a/loss": 1.0, "b/loss": 2.0}, {"a/mIoU": 0.6, 'a/IoU/cat, "tom"': 0.1})
    rows = table(tmp_path / "log.csv")
    assert list(rows[0])[4:] == [
        *("train/a/loss", "train/b/loss"),
        *("validation/a/mIoU", 'validation/a/IoU/cat, "tom"'),
    ]
    assert [row["train/b/loss"] for row in rows] == ["", "2.0"]
    assert rows[1]['validation/a/IoU/cat, "tom"'] == "0.1"


def test_what_is_not_finite_is_readable(tmp_path):
    callback = CSVLog(tmp_path / "log.csv")
    callback.fit_started(TrainState(None), Control())
    numbers = {"a/x": math.nan, "a/y": -math.inf, "a/z": None, "a/w": np.float32(0.1)}
    feed(callback, 1, numbers)
    (row,) = table(tmp_path / "log.csv")
    assert math.isnan(float(row["train/a/x"]))
    assert float(row["train/a/y"]) == -math.inf
    assert np.float32(row["train/a/w"]) == np.float32(0.1)
    assert "train/a/z" not in row
    written = (tmp_path / "log.csv").read_bytes()
    CSVLog(tmp_path / "log.csv").fit_started(TrainState(None, update=1), Control())
    assert (tmp_path / "log.csv").read_bytes() == written


def test_a_new_training_keeps_the_earlier_one_under_another_name(tiny, tmp_path, caplog):
    caplog.set_level("INFO", "densefit")
    train(tiny, tmp_path)
    first = (tmp_path / "log.csv").read_bytes()
    assert "earlier training" not in caplog.text
    train(tiny, tmp_path, epochs=1)
    second = (tmp_path / "log.csv").read_bytes()
    assert [row["update"] for row in table(tmp_path / "log.csv")] == ["2", "3"]
    assert (tmp_path / "log-1.csv").read_bytes() == first
    assert caplog.text.count("now log-1.csv") == 1
    train(tiny, tmp_path, epochs=1)
    assert (tmp_path / "log-1.csv").read_bytes() == first
    assert (tmp_path / "log-2.csv").read_bytes() == second


def test_a_rollback_removes_rows(tmp_path):
    callback = CSVLog(tmp_path / "log.csv")
    callback.fit_started(TrainState(None), Control())
    for update in (1, 2, 3):
        feed(callback, update, {"a/loss": 1.0})
    callback.rolled_back(TrainState(None, update=1), Control())
    feed(callback, 2, {"a/loss": 5.0})
    rows = table(tmp_path / "log.csv")
    assert [(row["update"], row["train/a/loss"]) for row in rows] == [("1", "1.0"), ("2", "5.0")]
    callback.rolled_back(TrainState(None, update=0), Control())
    assert table(tmp_path / "log.csv") == []
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("name,age\nx,3\n", 1),
        ("notes", 1),
        ("", 1),
        ("epoch,update,seconds,lr,mine\n0,1,2,3,4\n", 1),
        ("epoch,update,seconds,lr\n0,2,1,0.1\n0,x,1,0.1\n", 3),
        ("epoch,update,seconds,lr\n0,2\n", 2),
        ("epoch,update,seconds,lr\n0,2,1,0.1,0.5\n", 2),
    ],
)
def test_a_file_of_another_kind_is_not_overwritten(tmp_path, text, line):
    path = tmp_path / "log.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=rf"line {line}\n.*move the file away"):
        CSVLog(path).fit_started(TrainState(None), Control())
    assert path.read_text() == text
