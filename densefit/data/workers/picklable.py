"""Pickle work for another process, and find the part that cannot be pickled.

The dataset of the work, which is large and stays the same, is pickled apart from it.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from densefit.errors import ConfigError

_DEPTH = 6
_INTERACTIVE = b"\x8c\x08__main__"  # the name of a module, as pickle writes it


def to_pickle(work: Any, what: str = "work", dataset: Any = None) -> bytes:
    """Pickle an object for another process.

    Args:
        work: the object.
        what: it is called in errors.
        dataset: a part of it that is left out; `from_pickle` puts it in.

    Raises:
        ConfigError: a part of it cannot be pickled; names the attribute.
    """
    try:
        buffer = io.BytesIO()
        _Pickler(buffer, dataset).dump(work)
        text = buffer.getvalue()
    except Exception as error:
        path, culprit = find_unpicklable(work, what)
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


def from_pickle(text: bytes, dataset: Callable[[], Any]) -> Any:
    """Restore what `to_pickle` pickled.

    Args:
        text: the pickle.
        dataset: gives the part that was left out; called only if there is one.
    """
    return _Unpickler(io.BytesIO(text), dataset).load()


class _Pickler(pickle.Pickler):
    """Leaves a dataset out."""

    def __init__(self, file: io.BytesIO, dataset: Any) -> None:
        super().__init__(file, 5)
        self._dataset = dataset

    def persistent_id(self, obj: Any) -> str | None:
        """A name in place of the dataset; others are pickled."""
        return "dataset" if self._dataset is not None and obj is self._dataset else None


class _Unpickler(pickle.Unpickler):
    """Puts a dataset in."""

    def __init__(self, file: io.BytesIO, dataset: Callable[[], Any]) -> None:
        super().__init__(file)
        self._dataset = dataset

    def persistent_load(self, pid: Any) -> Any:
        """The dataset."""
        return self._dataset()


def find_unpicklable(value: Any, path: str, depth: int = _DEPTH) -> tuple[str, Any]:
    """Find the innermost part that cannot be pickled: its path, and the part.

    >>> find_unpicklable({"a": 1, "b": [2, lambda: 3]}, "settings")[0]
    "settings['b'][1]"
    """
    if depth > 0:
        for name, part in _parts(value):
            if not _is_picklable(part):
                return find_unpicklable(part, path + name, depth - 1)
    return path, value


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((f"[{key!r}]", item) for key, item in value.items())
    elif isinstance(value, (list, tuple)):
        yield from ((f"[{index}]", item) for index, item in enumerate(value))
    else:
        yield from ((f".{name}", item) for name, item in getattr(value, "__dict__", {}).items())


def _is_picklable(value: Any) -> bool:
    try:
        pickle.dumps(value, 5)
    except Exception:
        return False
    return True
