"""Types and the parser's messages in the words of recipes and command lines."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import UnionType
from typing import Any, Union, get_args, get_origin

_NAMES: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a text",
    type(None): "null",
}
_SIZE = (int, int)  # of an image


def kind_text(hint: Any) -> str:
    """Describe the type of a setting's value.

    >>> kind_text(int | None), kind_text(list[str]), kind_text(tuple[int, int])
    ('a whole number or null', 'a list, [a, b]', 'two whole numbers, [height, width]')
    """
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(dict.fromkeys(kind_text(option) for option in get_args(hint)))
    if hint in _NAMES:
        return _NAMES[hint]
    origin = get_origin(hint) or hint
    if origin is tuple and get_args(hint) == _SIZE:
        return "two whole numbers, [height, width]"
    if origin in (list, tuple):
        return "a list, [a, b]"
    return "settings, {name: value}"


def plain(reason: str, hint_of: Callable[[str], Any]) -> tuple[str, str | None, str | None]:
    """Say a message of the parser in plain words: (what failed, expected, received).

    >>> plain('Parser key "seed": Expected a <class \\'int\\'>. Got value: 1.5', lambda key: int)
    ('The value of seed does not fit', 'a whole number', '1.5')

    Args:
        reason: message of the parser, on one line.
        hint_of: returns the type of a dotted key's value, None if unknown.
    """
    match = re.fullmatch(r"unrecognized arguments: (.*)", reason)
    if match:
        words = match[1].split()
        if words[0].startswith("-"):
            return f"There is no option {words[0].partition('=')[0]}", None, None
        return f"The word {words[0]!r} belongs to no option", None, None
    match = re.fullmatch(r"argument (--[\w.]+)\S*: expected .*argument.*", reason)
    if match:
        hint = hint_of(match[1][2:])
        return f"{match[1]} has no value", None if hint is None else kind_text(hint), None
    match = re.search(r"does not accept option '(\w+)'|Option '(\w+)' is not accepted", reason)
    if match:
        group = re.match(r"(?:Parser key |Group )[\"']([\w.]+)", reason)
        return f"There is no setting {match[1] or match[2]!r} in {group and group[1]}", None, None
    match = re.match(r'Parser key "([\w.]+)": ', reason)
    if match:
        hint, value = hint_of(match[1]), re.search(r"Got value: (.*?)(?: \(|$)", reason)
        expected = None if hint is None else kind_text(hint)
        if value and expected:
            return f"The value of {match[1]} does not fit", expected, value[1]
    return reason, None, None
