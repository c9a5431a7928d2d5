"""Settings of a Symbol's JSON become numbers, tuples and None."""

import math

import pytest

from densefit.symbol.setting_value import setting_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("3L", 3),
        ("(3L,3L)", (3, 3)),
        ("[1, 2]", [1, 2]),
        ("()", ()),
        ("1e-05", 1e-5),
        ("(None, 2)", (None, 2)),
        ("True", True),
        ("None", None),
        ("none", None),
        ("-inf", -math.inf),
    ],
)
def test_values(text, value):
    assert setting_value(text) == value
    assert type(setting_value(text)) is type(value)


def test_nan():
    assert math.isnan(setting_value("nan"))


@pytest.mark.parametrize("text", ["", "relu", "(1,", "NULL"])
def test_other_texts_are_refused(text):
    with pytest.raises(ValueError, match="could not convert"):
        setting_value(text)


def test_a_list_is_its_readers():
    setting_value("[1, 2]").append(3)
    assert setting_value("[1, 2]") == [1, 2]
