"""Types and defaults of settings, in a recipe's words."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

import yaml

_COLOUR = "grey value 0 to 255, or list of R, G, B"
_TYPES = {
    **{"int": "integer", "float": "number", "bool": "true or false", "str": "text"},
    **{"Path": "path", "None": "null", "Any": "anything", "object": "anything", "...": "..."},
    **{"Names": "list of texts, or path", "Fill": _COLOUR, "Pairs": "list of pairs"},
    **{"TimeLike": "number or text", "DurationLike": "integer or text", "Prepare": "function"},
    **{"Mapping[str, Any]": "map", "Schedule": "schedule", "Course": "number or schedule"},
}
_NEVER_IN_A_RECIPE = ("function", "stream")
#: What settings without a default have in a recipe that leaves them out.
FROM_ELSEWHERE = {
    ("datasets", "root"): "`data.root`",
    ("datasets", "split"): "`data.train`, ...",
    ("heads", "classes"): "the dataset's",
    ("heads", "things"): "the dataset's",
    ("heads", "name"): "its key",
    ("transforms", "input_size"): "`input_size`",
    ("transforms", "height"): "`input_size`",
    ("transforms", "width"): "`input_size`",
}


def type_words(part: Any, parameter: inspect.Parameter) -> str:
    """The type of a setting; "" where it has none."""
    annotation = parameter.annotation
    if annotation is parameter.empty:
        return ""
    function = getattr(part, "__init__", part) if isinstance(part, type) else part
    words = ", or ".join(_words(_text(annotation), getattr(function, "__globals__", {})))
    is_for_python = any(word in words for word in _NEVER_IN_A_RECIPE)
    return f"{words} (Python only)" if is_for_python else words


def _text(annotation: Any) -> str:
    """An annotation as in the source, without names of modules."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", text)


def _words(annotation: str, names: Mapping[str, Any]) -> list[str]:
    """A type in a recipe's words, one for each alternative; null is the last.

    Args:
        annotation: the type.
        names: values of the names in it, where it is defined.
    """
    if annotation in _TYPES:
        return [_TYPES[annotation]]
    options = _split(annotation, "|")
    if len(options) > 1:
        words = [word for option in options for word in _words(option, names)]
        words = [word for word in words if word != "text" or "path" not in words]
        return sorted(dict.fromkeys(words), key=lambda word: word == "null")
    outer, _, inner = annotation.removesuffix("]").partition("[")
    items = [_plural(_words(item, names)) for item in _split(inner, ",")] if inner else []
    if outer in ("Sequence", "list", "Collection", "Iterable") and items:
        return [f"list of {items[0]}"]
    if outer == "tuple" and items:
        length = "" if "..." in inner else f"{len(items)} "
        return [f"list of {length}{items[0]}"]
    if outer in ("Mapping", "dict") and items:
        return [f"map of {items[0]} to {items[1]}"]
    if outer in ("Callable", "TextIO"):
        return ["function" if outer == "Callable" else "stream"]
    alias = names.get(annotation)
    if alias is not None and not isinstance(alias, type):
        return _words(_text(alias), names)
    return [f"`{annotation}`"]


def _split(text: str, separator: str) -> list[str]:
    """Split a type at a separator outside of brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "[") - (letter == "]")
        if letter == separator and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _plural(words: list[str]) -> str:
    """Alternatives in the plural, as far as they are plain types."""
    plain = {"integer", "number", "text", "path", "schedule", "map", "function"}
    return " or ".join(f"{word}s" if word in plain else word for word in words)


def default_words(file: str, parameter: inspect.Parameter) -> str:
    """The default of a setting in a recipe.

    Args:
        file: of the page.
        parameter: the setting.
    """
    elsewhere = FROM_ELSEWHERE.get((file, parameter.name))
    value = parameter.default
    if elsewhere is not None and value in (parameter.empty, None, file[:-1], "train"):
        return elsewhere
    if value is parameter.empty:
        return "required"
    if callable(value):
        return ""
    if isinstance(value, (tuple, frozenset)):
        value = list(value)
    elif isinstance(value, Mapping):
        value = dict(value)
    return f"`{yaml.safe_dump(value, default_flow_style=True, width=10_000).split(chr(10))[0]}`"
