"""Which part of a thing cannot be sent to another process."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from densefit.errors import ConfigError

_DEPTH = 6
_INTERACTIVE = b"\x8c\x08__main__"  # the name of a module, as pickle writes it


def pickled(work: Any, what: str = "work") -> bytes:
    """A thing as bytes for another process.

    Raises:
        ConfigError: something in it cannot be sent; says which attribute that is.
    """
    try:
        text = pickle.dumps(work, 5)
    except Exception as error:
        path, culprit = culprit_of(work, what)
        raise ConfigError(
            f"Processes cannot work on this: {type(error).__name__}: {error}",
            expected="dataset, transform and heads that can be pickled",
            received=f"{culprit!r}"[:200],
            where=path,
            fix="functions and classes at the top of a module; open files and connections when "
            'they are first needed (see __getstate__); or worker_kind="threads"',
        ) from error
    if _INTERACTIVE in text and not hasattr(sys.modules["__main__"], "__file__"):
        raise ConfigError(
            "Processes cannot import what was defined in a notebook or an interactive session",
            expected="dataset, transform and heads of classes and functions in modules",
            received=f"{what} with parts of the module __main__",
            fix='put them into a module and import it; or worker_kind="threads"',
        )
    return text


def culprit_of(thing: Any, path: str, depth: int = _DEPTH) -> tuple[str, Any]:
    """The innermost part that cannot be pickled: where it is, and it itself.

    >>> culprit_of({"a": 1, "b": [2, lambda: 3]}, "settings")[0]
    "settings['b'][1]"
    """
    if depth > 0:
        for name, part in _parts(thing):
            if not _sound(part):
                return culprit_of(part, path + name, depth - 1)
    return path, thing


def _parts(thing: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, Mapping):
        yield from ((f"[{key!r}]", value) for key, value in thing.items())
    elif isinstance(thing, (list, tuple)):
        yield from ((f"[{place}]", value) for place, value in enumerate(thing))
    else:
        yield from ((f".{name}", value) for name, value in getattr(thing, "__dict__", {}).items())


def _sound(thing: Any) -> bool:
    try:
        pickle.dumps(thing, 5)
    except Exception:
        return False
    return True
