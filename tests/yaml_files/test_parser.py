"""The parser of a dataclass is made once, and keeps its defaults."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from densefit.yaml_files.parser import defaults_replaced, parser_of


@dataclass
class Data:
    """Where from.

    Args:
        settings: more.
    """

    settings: dict[str, Any] = field(default_factory=dict)


@dataclass
class Plan:
    """What to do.

    Args:
        data: the samples.
        epochs: how long.
        files: what to read.
    """

    data: Data = field(default_factory=Data)
    epochs: int = 10
    files: list[str] = field(default_factory=list)


def parsed(parser, *arguments):
    return vars(parser.parse_args(arguments).as_flat())


def test_it_is_made_once_for_each_use():
    assert parser_of(Plan, "", None) is parser_of(Plan, "", None)
    assert parser_of(Plan, "", None) is not parser_of(Plan, "other", None)
    assert parsed(parser_of(Plan, "", "files"), "a", "b")["files"] == ["a", "b"]
    assert "what to read" in parser_of(Plan, "", "files").format_help()


def test_what_it_gave_can_be_changed():
    parser = parser_of(Plan, "", None)
    before = parsed(parser)
    given = parser.parse_args([])
    given.data.settings["a"] = 1
    given.files.append("b")
    assert parsed(parser) == before


def test_defaults_are_replaced_for_a_while():
    parser = parser_of(Plan, "", None)
    before = parsed(parser)
    with defaults_replaced(parser, {"epochs": 3, "data.settings": {"a": 1}}):
        assert parsed(parser)["epochs"] == 3
        assert parser.parse_args(["--epochs", "4"]).data.settings == {"a": 1}
    assert parsed(parser) == before


@pytest.mark.parametrize("defaults", [{"epochs": 3, "none": 1}, {"data": {"none": 1}}])
def test_an_error_leaves_the_defaults(defaults):
    parser = parser_of(Plan, "", None)
    before = parsed(parser)
    with pytest.raises(KeyError), defaults_replaced(parser, defaults):
        pass
    assert parsed(parser) == before
    with pytest.raises(OSError, match="in use"), defaults_replaced(parser, {"epochs": 3}):
        raise OSError("in use")
    assert parsed(parser) == before
