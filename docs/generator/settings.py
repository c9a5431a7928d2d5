"""Types and defaults of settings, in a recipe's words."""

from __future__ import annotations

import inspect

import yaml

_COLOUR = "grey value 0 to 255, or list of R, G, B"
_TYPES = {
    **{"int": "integer", "float": "number", "bool": "true or false", "str": "text"},
    **{"Path": "path", "str | Path": "path", "None": "null", "Any": "any", "object": "any"},
    **{"Names": "list of texts, or path", "Fill": _COLOUR, "Pairs": "list of pairs"},
    **{"TimeLike": "number or text", "DurationLike": "integer or text", "Prepare": "function"},
    **{"Schedule": "schedule", "Course": "number, or schedule"},
}
_NEVER_IN_A_RECIPE = ("function", "stream")
#: What settings without a default have in a recipe that leaves them out.
FROM_ELSEWHERE = {
    ("datasets", "root"): "`data.root`",
    ("datasets", "split"): "`data.train`, ...",
    ("heads", "classes"): "the dataset's",
    ("heads", "things"): "the dataset's",
    ("heads", "name"): "its key",
    ("transforms", "height"): "`input_size`",
    ("transforms", "width"): "`input_size`",
}


def type_words(parameter: inspect.Parameter) -> str:
    """The type of a setting; "" where it has none."""
    annotation = parameter.annotation
    if annotation is parameter.empty:
        return ""
    words = _words(
        annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    )
    is_for_python = any(word in words for word in _NEVER_IN_A_RECIPE)
    return f"{words} (Python only)" if is_for_python else words


def _words(annotation: str) -> str:
    """A type in a recipe's words.

    >>> _words("Sequence[float] | None"), _words("tuple[int, int]")
    ('list of numbers, or null', 'list of 2 integers')
    """
    if annotation in _TYPES:
        return _TYPES[annotation]
    options = _split(annotation, "|")
    if len(options) > 1:
        words = [_words(option) for option in options if option != "None"]
        words = [word for word in words if word != "text" or "path" not in words]
        return ", or ".join(dict.fromkeys([*words, *(["null"] if "None" in options else [])]))
    outer, _, inner = annotation.rstrip("]").partition("[")
    items = _split(inner, ",")
    if outer in ("Sequence", "list", "Collection", "Iterable"):
        return f"list of {_plural(_words(items[0]))}"
    if outer == "tuple":
        return f"list of {len(items)} {_plural(_words(items[0]))}"
    if outer in ("Mapping", "dict"):
        return f"map of {_plural(_words(items[0]))} to {_plural(_words(items[1]))}"
    if outer == "Callable":
        return "function"
    if outer == "TextIO":
        return "stream"
    return f"`{annotation}`"


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


def _plural(words: str) -> str:
    return f"{words}s" if words in _TYPES.values() and words[-1] not in "sy" else words


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
    return f"`{yaml.safe_dump(value, default_flow_style=True, width=10_000).split(chr(10))[0]}`"
