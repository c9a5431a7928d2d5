"""Renaming of parameters by patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from densefit.errors import ConfigError

Renames: TypeAlias = Mapping[str, str | None]


def renamed(names: Iterable[str], rename: Renames) -> dict[str, str | None]:
    """Return name -> new name, or None for a parameter to leave out.

    Args:
        names: all parameter names.
        rename: pattern -> new name or None. Text that a `*` of the pattern matches replaces the
            `*` of the new name, in order. If several patterns match, the last one counts; names
            that match no pattern are unchanged.

    Raises:
        ConfigError: a pattern matches nothing, the pattern and the new name differ in their
            numbers of `*`, or two names become equal.

    Example:
        >>> renamed(["a.w", "a.b", "c.w"], {"a.*": "trunk_*", "c.*": None})
        {'a.w': 'trunk_w', 'a.b': 'trunk_b', 'c.w': None}
    """
    new_names: dict[str, str | None] = {name: name for name in names}
    for pattern, new in rename.items():
        if new is not None and new.count("*") != pattern.count("*"):
            raise ConfigError(
                "A name and what it becomes have different numbers of *",
                received=f"{pattern!r}: {new!r}",
                where="rename",
            )
        expression = re.compile("(.*)".join(map(re.escape, pattern.split("*"))), re.DOTALL)
        matches = {name: match for name in new_names if (match := expression.fullmatch(name))}
        if not matches:
            remaining = list(new_names)
            raise ConfigError(
                "A pattern matches no parameter",
                expected=f"some of {', '.join(remaining[:6])}{', ...' * (len(remaining) > 6)}",
                received=repr(pattern),
                where="rename",
            )
        for name, match in matches.items():
            new_names[name] = None if new is None else _filled(new, match.groups())
    _check_distinct(new_names)
    return new_names


def _filled(new: str, parts: Iterable[str]) -> str:
    pieces = iter(new.split("*"))
    return next(pieces) + "".join(part + piece for part, piece in zip(parts, pieces))


def _check_distinct(new_names: Mapping[str, str | None]) -> None:
    before: dict[str, str] = {}
    for name, new in new_names.items():
        if new is None:
            continue
        if new in before:
            raise ConfigError(
                f"Two parameters would be called {new!r}",
                received=f"{before[new]!r} and {name!r}",
                where="rename",
                fix=f"leave one of them out: rename={{{before[new]!r}: None}}",
            )
        before[new] = name
