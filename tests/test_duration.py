from fractions import Fraction

import numpy as np
import pytest

from densefit.duration import Duration
from densefit.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("3ep", 3, "ep"),
        ("0.5ep", Fraction(1, 2), "ep"),
        (".5ep", Fraction(1, 2), "ep"),
        ("500st", 500, "st"),
        ("500", 500, "st"),
        (500, 500, "st"),
        (np.int64(7), 7, "st"),
        (0, 0, "st"),
        ("10%", 10, "%"),
        (" 2.5 % ", Fraction(5, 2), "%"),
    ],
)
def test_what_can_be_written(text, value, unit):
    assert Duration.parse(text) == Duration(Fraction(value), unit)


def test_a_duration_is_already_one():
    duration = Duration.parse("3ep")
    assert Duration.parse(duration) is duration


@pytest.mark.parametrize("given", ["3ep", "0.5ep", "500st", "2.5%"])
def test_writing_and_reading_agree(given):
    assert str(Duration.parse(given)) == given


@pytest.mark.parametrize(
    "given",
    [
        "",
        "ep",
        "3 epochs",
        "3x",
        "-3ep",
        "1e3",
        "nan%",
        -1,
        1.5,
        True,
        None,
        "0.5st",
        "0.5",
        "101%",
    ],
)
def test_what_cannot_be_written(given):
    with pytest.raises(ConfigError, match="received: "):
        Duration.parse(given, where="warmup")


def test_the_error_names_the_setting():
    with pytest.raises(ConfigError, match="where:    warmup"):
        Duration.parse("soon", where="warmup")


@pytest.mark.parametrize(
    ("text", "updates"),
    [
        ("3ep", 36),
        ("0.5ep", 6),
        ("7st", 7),
        (0, 0),
        ("0%", 0),
        ("0ep", 0),
        ("10%", 3),
        ("100%", 30),
        ("33.3%", 10),
        ("5%", 2),  # 1.5: halves up
        ("15%", 5),  # 4.5: halves up, not to even
        ("1%", 1),  # 0.3: what is longer than nothing is at least one update
    ],
)
def test_resolve(text, updates):
    assert Duration.parse(text).resolve(updates_per_epoch=12, total=30) == updates


def test_a_percentage_is_exact():
    for total in range(1, 1000):
        assert Duration.parse("10%").resolve(None, 10 * total) == total


def test_epochs_need_the_length_of_an_epoch():
    with pytest.raises(ConfigError, match="updates in an epoch is not known"):
        Duration.parse("3ep").resolve(updates_per_epoch=None, total=100)


def test_percent_needs_the_whole():
    with pytest.raises(ConfigError, match="length is not known"):
        Duration.parse("3%").resolve(updates_per_epoch=12, total=None)


def test_updates_need_nothing():
    assert Duration.parse("3st").resolve(None, None) == 3
