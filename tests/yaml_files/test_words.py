import math

import pytest

from densefit.errors import ConfigError
from densefit.yaml_files.document import load
from densefit.yaml_files.words import dump, meaning


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("1:30", "1:30"),  # 90 in YAML 1.1
        ("2020-01-01", "2020-01-01"),
        ("1e3", 1000.0),  # a text in YAML 1.1
        ("1e-3", 0.001),
        (".5", 0.5),
        ("-2.", -2.0),
        ("0o17", 15),
        ("0x1f", 31),
        ("0", 0),
        ("-12", -12),
        ("1_000", 1000),
        ("1_", "1_"),
        ("TRUE", True),
        ("tRUE", "tRUE"),
        ("false", False),
        ("~", None),
        ("y", "y"),
        ("nOt", "nOt"),
        ("=", "="),
        ("-.inf", -math.inf),
        ("nan", "nan"),
        ("9" * 5000, "9" * 5000),  # takes Python the square of its length to read
    ],
)
def test_a_word_means_one_thing(word, value):
    assert meaning(word) == value
    assert type(meaning(word)) is type(value)


@pytest.mark.parametrize("word", ["yes", "No", "ON", "off", "017", "-08"])
def test_what_two_versions_of_yaml_read_differently_is_told(word):
    with pytest.raises(ConfigError, match="with quotes") as told:
        meaning(word)
    assert f'"{word}"' in told.value.fix


def test_what_is_written_is_read_again():
    texts = ["no", "1:30", "1e3", "0o17", "017", "2020-01-01", "~", "", "<<", "=", "1_0", " x "]
    texts += ["a: b", "a\nb", "'q'", '"', "- a", "&a", "é", "\x85", "\t", "#", "true", "\u2028"]
    value = {"texts": texts, "numbers": [1e-5, math.inf, 1e300, 2.0, -3], 3: {"no": None}}
    assert load(dump(value)) == value
    assert math.isnan(load(dump(math.nan)))


def test_nothing_is_written_by_reference():
    shared = ["a"]
    assert "&" not in dump({"x": shared, "y": shared})
