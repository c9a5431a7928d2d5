"""Values of settings in a Symbol's JSON: numbers, tuples and None, as Python writes them."""

from __future__ import annotations

import ast
import copy
import re
from functools import lru_cache
from typing import Any

_LONG = re.compile(r"(?<=\d)L")  # 3L of Python 2, as older versions of MXNet write


def setting_value(text: str) -> Any:
    """Convert the text of a setting to its value.

    >>> setting_value("(3, 3L)"), setting_value("None"), setting_value("inf")
    ((3, 3), None, inf)

    Raises:
        ValueError: the text is neither a number nor a tuple, a flag or None.
    """
    value = _parsed(text)
    return copy.deepcopy(value) if isinstance(value, (list, dict, set)) else value


@lru_cache(maxsize=10000)
def _parsed(text: str) -> Any:
    """The value; a network's nodes have few different ones, and Python's parser is slow."""
    if text in ("None", "none"):
        return None
    try:
        return ast.literal_eval(_LONG.sub("", text))
    except (ValueError, SyntaxError):
        return float(text)  # inf, nan
