"""Nothing that a training lacks is left unsaid."""

import logging
import math

import numpy as np
import pytest

import densefit as df
from densefit.callbacks import EarlyStopping
from densefit.checkpoint.storage import store
from densefit.errors import CheckpointError
from densefit.metrics import MAE, COCOAveragePrecision
from densefit.metrics.core.direction import directions
from densefit.metrics.dense.depth import Depth


class Undefined(MAE):
    """A mean of nothing."""

    def update(self, predictions, targets, ids):
        return


def train(tiny, directory=None, epochs=3, metric=None, **settings):
    network = df.Network(
        symbol=tiny.two_heads(),
        routes={**tiny.routes(), "size": df.Route(["size"], ["size_label"], [metric or "mae"])},
    )
    validation = tiny.iterator(6, 3)
    return df.fit(
        network,
        tiny.iterator(8, 4),
        epochs=epochs,
        validation=validation,
        checkpoint=directory,
        **settings,
    )


def test_a_best_that_is_never_made_is_told_at_the_first_time_and_at_the_end(tiny, tmp_path, caplog):
    saver = df.Saver(tmp_path, keep=df.Keep(best="size/mae"))
    with caplog.at_level(logging.WARNING, "densefit"):
        train(tiny, saver, metric=Undefined())
    assert "best" not in store.names(tmp_path)
    text = caplog.text
    assert text.count("Keep(best=...): the score 'size/mae' is nan") == 1
    assert text.count("There is no checkpoint 'best': 'size/mae' was nan in all 3 val") == 1
    assert text.count("size/mae is nan: nothing in the validation data counts for it") == 1


def test_what_follows_a_score_that_is_nan_is_told(tiny, caplog):
    schedule = df.schedules.Plateau(0.01, "size/mae", patience=5)
    with caplog.at_level(logging.WARNING, "densefit"):
        train(
            *(tiny, None, 3, Undefined()),
            schedule=schedule,
            callbacks=[EarlyStopping("size/mae", patience=9)],
        )
    assert caplog.text.count("EarlyStopping: the score 'size/mae' is nan") == 1
    assert caplog.text.count("Plateau(metric=...): the score 'size/mae' is nan") == 1


def test_a_best_that_is_made_needs_no_word(tiny, tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "densefit"):
        train(tiny, df.Saver(tmp_path, keep=df.Keep(best="size/mae")))
    assert caplog.text == ""
    assert "best" in store.names(tmp_path)


def test_objects_that_are_all_crowds_are_told(caplog):
    metric = COCOAveragePrecision(["cat"])
    box = np.array([[1.0, 1, 9, 9]])
    metric.update(
        [{"boxes": box, "scores": np.ones(1), "classes": np.zeros(1, int)}],
        [{"boxes": box, "classes": np.zeros(1, int), "crowd": np.ones(1, bool)}],
        ["a"],
    )
    assert math.isnan(metric.compute()["AP"])
    assert metric.undefined() == "the data have 1 true objects, 1 of them crowd"


@pytest.mark.parametrize(("epochs", "words"), [(2, "2 epochs are done and epochs=2"),
                                              (1, "2 epochs are done and epochs=1")])  # fmt: skip
def test_a_resume_with_nothing_left_to_train_is_told(tiny, tmp_path, caplog, epochs, words):
    train(tiny, tmp_path, 2)
    with caplog.at_level(logging.WARNING, "densefit"):
        history = train(tiny, tmp_path, epochs, resume="auto")
    assert history.update == 4
    assert words in caplog.text
    assert "nothing is left to train" in caplog.text


def test_a_resume_that_trains_on_needs_no_word(tiny, tmp_path, caplog):
    train(tiny, tmp_path, 1)
    with caplog.at_level(logging.WARNING, "densefit"):
        train(tiny, tmp_path, 2, resume="auto")
    assert caplog.text == ""


@pytest.mark.parametrize("done", [0, 1])
def test_a_broken_validation_loses_nothing_that_was_trained(tiny, tmp_path, caplog, done):
    network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    settings = {"epochs": 3, "checkpoint": tmp_path, "optimizer": "adam"}
    # A validation asks for 2 batches, and for the end.
    broken = tiny.broken(tiny.iterator(6, 3), at=1 + 3 * done)
    with pytest.raises(OSError, match="the disk is gone"):
        df.fit(network, tiny.iterator(8, 4), validation=broken, **settings)
    assert "The validation failed; the training so far is saved" in caplog.text
    _, state = store.read(tmp_path / "last")
    assert (state["update"], state["pending"]) == (2 * (done + 1), "epoch")
    network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    validation = tiny.iterator(6, 3)
    history = df.fit(network, tiny.iterator(8, 4), validation=validation, resume="auto", **settings)
    straight = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    other = df.fit(
        straight,
        tiny.iterator(8, 4),
        validation=tiny.iterator(6, 3),
        epochs=3,
        optimizer="adam",
    )
    tiny.assert_equal(network, straight)
    assert [e["validation"] for e in history.epochs] == [e["validation"] for e in other.epochs]


def test_the_error_of_a_validation_is_the_one_that_is_raised(tiny, tmp_path, monkeypatch, caplog):
    def refuse(self, session):
        raise CheckpointError("no room")

    monkeypatch.setattr(df.Saver, "save", refuse)
    network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    broken = tiny.broken(tiny.iterator(6, 3), at=1)
    with pytest.raises(OSError, match="the disk is gone"):
        df.fit(network, tiny.iterator(8, 4), validation=broken, epochs=1, checkpoint=tmp_path)
    assert "cannot be saved: no room" in caplog.text


def test_the_best_is_by_the_direction_of_its_number(tmp_path, caplog):
    known = directions({"depth": [Depth()]})
    for number, high in (("RMSE", False), ("AbsRel", False), ("delta1", True), ("delta3", True)):
        keep = df.Keep(best=f"depth/{number}")
        keep.judged_by(known)
        assert keep.higher_is_better is high
        low_first = [(1, 0.1), (2, 0.9)]
        for update, score in low_first:
            keep.record(update, {f"depth/{number}": score})
        assert keep.leader.update == (2 if high else 1)
    assert caplog.text == ""
    keep = df.Keep(best="depth/delta1", higher_is_better=False)  # meant for RMSE
    keep.judged_by(known)
    assert keep.higher_is_better is False
    assert "'depth/delta1', whose metric declares True" in caplog.text
