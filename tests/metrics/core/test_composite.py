"""One number for several heads."""

import math

import pytest

import densefit as df
from densefit.errors import ConfigError
from densefit.metrics.core.composite import Composite, turned

NUMBERS = {
    "boxes": {"cells/boxes/AP": True, "streets/boxes/AP": True},
    "mask": {"streets/mask/mIoU": True},
    "depth": {"streets/depth/rmse": False},
}


def test_heads_count_alike_whatever_they_are_scored_on():
    scores = {
        "cells/boxes/AP": 0.2, "streets/boxes/AP": 0.4, "streets/boxes/AP50": 0.9,
        "streets/mask/mIoU": 0.6, "streets/depth/rmse": 1.0,
    }  # fmt: skip
    assert Composite(NUMBERS)(scores) == pytest.approx((0.3 + 0.6 + 0.5) / 3)


def test_an_error_is_turned():
    assert turned(0.0, False) == 1.0
    errors = [0.0, 0.1, 1.0, 10.0, math.inf]
    turns = [turned(error, False) for error in errors]
    assert turns == sorted(turns, reverse=True)
    assert turns[-1] == 0.0
    assert math.isnan(turned(-0.5, False))


def test_one_undefined_score_makes_it_undefined():
    judge = Composite({"a": {"a/AP": True}, "b": {"b/AP": True}})
    assert math.isnan(judge({"a/AP": 0.5, "b/AP": math.nan}))


def test_what_is_not_there_is_told():
    with pytest.raises(ConfigError, match="did you mean 'a/AP'"):
        Composite({"a": {"a/PA": True}})({"a/AP": 0.5})
    with pytest.raises(ConfigError, match="none of the heads"):
        Composite({"a": {"a/AP": True}, "b": {}})
    with pytest.raises(ConfigError, match="no head"):
        Composite({})


def test_a_training_keeps_the_best_by_it(tiny, tmp_path):
    judge = Composite({"kind": {"kind/accuracy": True}, "size": {"size/mae": False}})
    saver = df.Saver(tmp_path, keep=df.Keep(best="composite"))
    history = df.fit(
        tiny.two_heads(), tiny.iterator(12, 4), heads=tiny.routes(), epochs=4, optimizer="adam",
        validation=tiny.iterator(6, 4), derived={"composite": judge}, checkpoint=saver,
    )  # fmt: skip
    seen = [epoch["validation"] for epoch in history.epochs]
    by_hand = [(s["kind/accuracy"] + 1 / (1 + s["size/mae"])) / 2 for s in seen]
    assert [s["composite"] for s in seen] == pytest.approx(by_hand)
    assert saver.keep.leader.score == pytest.approx(max(by_hand))


@pytest.mark.parametrize("name", ["kind/acuracy", "size/accuracy"])
def test_a_name_that_no_score_has_is_told_before_the_first_update(tiny, name):
    updates = tiny.Recorder("update_ended", lambda state, control: None)
    with pytest.raises(ConfigError, match=f"(?s)no score '{name}' for the composite.*head kind"):
        df.fit(
            tiny.two_heads(), tiny.iterator(12, 4), heads=tiny.routes(), epochs=1,
            validation=tiny.iterator(6, 4), callbacks=[updates],
            derived={"composite": Composite({"kind": {name: True}})},
        )  # fmt: skip
    assert not updates.seen


def test_a_wrong_direction_is_told_before_the_first_update(tiny, caplog):
    told = []
    judge = Composite({"kind": {"kind/accuracy": False}, "size": {"size/mae": False}})
    begin = tiny.Recorder("fit_started", lambda state, control: told.append(caplog.text))
    df.fit(
        tiny.two_heads(), tiny.iterator(12, 4), heads=tiny.routes(), updates=1, callbacks=[begin],
        validation=tiny.iterator(6, 4), derived={"composite": judge},
    )  # fmt: skip
    assert "higher_is_better=False is stated for 'kind/accuracy'" in told[0]
    assert "size/mae" not in told[0]


@pytest.mark.parametrize(
    ("make", "validates", "expected"),
    [
        ("mean", True, "is a function of the scores"),
        (Composite(NUMBERS), False, "there is no validation"),
    ],
)
def test_what_cannot_be_derived_is_told_before_the_first_update(tiny, make, validates, expected):
    with pytest.raises(ConfigError, match=expected):
        df.fit(
            tiny.two_heads(), tiny.iterator(12, 4), heads=tiny.routes(), updates=1,
            validation=tiny.iterator(6, 4) if validates else None, derived={"mean": make},
        )  # fmt: skip
