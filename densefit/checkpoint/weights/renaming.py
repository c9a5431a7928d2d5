"""Names of parameters, translated by patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from densefit.errors import ConfigError

Renames: TypeAlias = Mapping[str, str | None]


def renamed(names: Iterable[str], rename: Renames) -> dict[str, str | None]:
    """Name -> its new name, or None for what is left out.

    Args:
        names: all that there are.
        rename: pattern -> new name or None. What each `*` of the pattern stands for is put in
            place of the `*` of the new name, in order. Where several patterns match, the last one
            counts; what none matches keeps its name.

    Raises:
        ConfigError: a pattern matches nothing, it has another number of `*` than its new name, or
            two names become one.

    Example:
        >>> renamed(["a.w", "a.b", "c.w"], {"a.*": "trunk_*", "c.*": None})
        {'a.w': 'trunk_w', 'a.b': 'trunk_b', 'c.w': None}
    """
    found: dict[str, str | None] = {name: name for name in names}
    for pattern, new in rename.items():
        if new is not None and new.count("*") != pattern.count("*"):
            raise ConfigError(
                "A name and what it becomes have different numbers of *",
                received=f"{pattern!r}: {new!r}",
                where="rename",
            )
        expression = re.compile("(.*)".join(map(re.escape, pattern.split("*"))), re.DOTALL)
        matches = {name: match for name in found if (match := expression.fullmatch(name))}
        if not matches:
            known = list(found)
            raise ConfigError(
                "A pattern matches no parameter",
                expected=f"some of {', '.join(known[:6])}{', ...' if len(known) > 6 else ''}",
                received=repr(pattern),
                where="rename",
            )
        for name, match in matches.items():
            found[name] = None if new is None else _filled(new, match.groups())
    _check_distinct(found)
    return found


def _filled(new: str, parts: Iterable[str]) -> str:
    pieces = iter(new.split("*"))
    return next(pieces) + "".join(part + piece for part, piece in zip(parts, pieces))


def _check_distinct(found: Mapping[str, str | None]) -> None:
    before: dict[str, str] = {}
    for name, new in found.items():
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
