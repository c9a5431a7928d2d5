"""Docstrings: their sections, and descriptions of settings."""

from __future__ import annotations

import inspect
import re
import textwrap
from typing import Any

_SECTIONS = ("Args", "Attributes", "Raises", "Returns", "Example", "Examples")


def settings_of(part: Any) -> dict[str, tuple[inspect.Parameter, str]]:
    """Name -> (parameter, description) of a part's settings; "" where it has none."""
    texts = described(part)
    return {
        name: (parameter, texts.get(name, ""))
        for name, parameter in inspect.signature(part).parameters.items()
    }


def described(part: Any) -> dict[str, str]:
    """Descriptions of settings, from the docstrings of a class and its bases, or a function.

    "see `Base`. ..." of a setting that a base describes stands for the base's text.
    """
    kinds = reversed(part.__mro__) if isinstance(part, type) else [part]
    texts: dict[str, str] = {}
    for kind in kinds:
        for source in (kind, vars(kind).get("__init__")):
            document = source.__doc__ if source is not None else None
            for section in ("Attributes", "Args"):
                for name, text in _entries(sections(document or "").get(section, "")).items():
                    reference = re.match(r"see `[A-Z]\w+`[.;,]?\s*", text)
                    if reference and texts.get(name):
                        rest = text[reference.end() :]
                        text = f"{texts[name]} {rest[:1].upper()}{rest[1:]}".strip()
                    texts[name] = text
    return texts


def sections(document: str) -> dict[str, str]:
    """Parts of a docstring by heading; "" is the text before the first one."""
    parts: dict[str, list[str]] = {"": []}
    current = ""
    for line in inspect.cleandoc(document).splitlines():
        heading = re.fullmatch(r"(\w+):", line)
        if heading and heading[1] in _SECTIONS:
            current = heading[1]
            parts[current] = []
        elif line and not line.startswith(" ") and current:
            current = ""  # text goes on behind a section
            parts[""] += ["", line]
        else:
            parts[current].append(line)
    return {name: "\n".join(lines) for name, lines in parts.items()}


def _entries(text: str) -> dict[str, str]:
    """`name, name: text` of a section of a docstring, with continuation lines."""
    entries: dict[str, str] = {}
    for block in re.split(r"\n(?=\S)", textwrap.dedent(text)):
        names, _, meaning = block.partition(":")
        for name in names.split(","):
            entries[name.strip()] = " ".join(meaning.split())
    return entries
