"""From which update on frozen parameters are trained."""

import pytest

from densefit.errors import ConfigError
from densefit.train.freezing import Freezing

F = ["a_*"]


@pytest.mark.parametrize(
    ("unfreeze", "last"), [("2ep", 19), ("5st", 4), (5, 4), ("0.5ep", 4), ("10%", 3), ("1%", 0)]
)
def test_the_last_frozen_update(unfreeze, last):
    freezing = Freezing(F, unfreeze, updates_per_epoch=10, total=40)
    for update in range(40):
        assert freezing.patterns(update // 10, update) == (F if update <= last else [])


def test_without_an_end_all_updates_are_frozen():
    assert Freezing(F).patterns(100, 1000) == F
    assert Freezing([]).patterns(0, 0) == []


def test_whole_epochs_may_have_any_length():
    freezing = Freezing(F, "2ep")
    assert freezing.patterns(1, 500) == F
    assert freezing.patterns(2, 501) == []


@pytest.mark.parametrize("unfreeze", ["0.5ep", "25%"])
def test_parts_wait_until_the_length_is_known(unfreeze):
    freezing = Freezing(F, unfreeze)
    assert freezing.patterns(0, 10_000) == F
    freezing.set_length(20, 10)
    assert freezing.patterns(0, 4) == F
    assert freezing.patterns(0, 5) == []


@pytest.mark.parametrize("unfreeze", ["4ep", "40st", "100%", "7ep"])
def test_an_end_behind_the_training_is_named(unfreeze, caplog):
    Freezing(F, unfreeze, 10, 40)
    assert f"unfreeze='{unfreeze}' comes after the last of 40 updates" in caplog.text


@pytest.mark.parametrize(
    ("freeze", "unfreeze", "text"),
    [
        ([], "2ep", "nothing to unfreeze"),
        (F, "0ep", "nothing to unfreeze"),
        (F, 0, "nothing to unfreeze"),
        (F, "soon", "not a duration"),
        (F, "-1ep", "not a duration"),
    ],
)
def test_what_ends_nothing_is_refused(freeze, unfreeze, text):
    with pytest.raises(ConfigError, match=text):
        Freezing(freeze, unfreeze)
