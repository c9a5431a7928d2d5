"""Registries of factories by name: heads, backbones, metrics, schedules and datasets."""

from __future__ import annotations

import difflib
import fnmatch
import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import Any, Generic, TypeVar

from densefit.errors import ConfigError

T = TypeVar("T")

_plugins_loaded = False
_records: list[list[tuple[str, str]]] = []


def nearest(name: str, names: Iterable[str]) -> str:
    """Return a hint for an unknown `name`: the nearest known name, and all known names."""
    names = sorted(names)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}known: {', '.join(names) or 'none'}"


def load_plugins() -> None:
    """Import every module of the entry-point group `densefit.plugins`, once.

    Importing a plugin registers its heads, metrics and datasets. One that imports its parts when
    they are first used has a function `register_all`, as the built-in tasks and datasets do.
    """
    global _plugins_loaded
    if _plugins_loaded:
        return
    _plugins_loaded = True
    for point in metadata.entry_points(group="densefit.plugins"):
        plugin = point.load()
        if hasattr(plugin, "register_all"):
            plugin.register_all()


@contextmanager
def recording() -> Iterator[list[tuple[str, str]]]:
    """Record (kind, name) of what the block registers; densefit's own modules do not count."""
    record: list[tuple[str, str]] = []
    _records.append(record)
    try:
        yield record
    finally:
        # By identity: records of nested blocks may be equal.
        _records[:] = [other for other in _records if other is not record]


class Registry(Generic[T]):
    """Factories of one kind by name.

    >>> shapes = Registry("shape")
    >>> @shapes.register("square")
    ... def square(side): return side * side
    >>> shapes.create("square", side=3)
    9
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._factories: dict[str, Callable[..., T]] = {}

    def register(self, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Return a decorator that registers a class or function; a duplicate name is an error."""

        def enter(factory: Callable[..., Any]) -> Callable[..., Any]:
            registered = self._factories.get(name)
            if registered is not None and (registered.__module__, registered.__qualname__) != (
                factory.__module__,
                factory.__qualname__,
            ):
                raise ConfigError(
                    f"The {self.kind} {name!r} is registered twice",
                    received=f"{factory.__module__}.{factory.__qualname__}",
                    where=f"{registered.__module__}.{registered.__qualname__}",
                    fix="register it under another name",
                )
            self._factories[name] = factory
            if not str(getattr(factory, "__module__", "")).startswith("densefit."):
                for record in _records:
                    record.append((self.kind, name))
            return factory

        return enter

    def get(self, name: str) -> Callable[..., T]:
        """Return the factory called `name`; raises ConfigError with a hint if it is unknown."""
        if name not in self._factories:
            load_plugins()
        if name not in self._factories:
            raise ConfigError(f"Unknown {self.kind} {name!r}", fix=nearest(name, self._factories))
        return self._factories[name]

    def create(self, name: str, /, **arguments: Any) -> T:
        """Call the factory `name` with `arguments`; a wrong argument is a ConfigError."""
        factory = self.get(name)
        signature = inspect.signature(factory)
        try:
            signature.bind(**arguments)
        except TypeError as error:
            taken = signature.parameters
            unknown = [key for key in arguments if key not in taken]
            plain = [
                parameter.replace(annotation=inspect.Parameter.empty)
                for parameter in taken.values()
            ]
            needed = [
                key
                for key, parameter in taken.items()
                if parameter.default is parameter.empty and key not in arguments
            ]
            if unknown:
                what = f"The {self.kind} {name!r} has no setting {unknown[0]!r}"
            elif needed:
                what = f"The {self.kind} {name!r} needs the setting {needed[0]!r}"
            else:
                what = f"The {self.kind} {name!r} does not take these arguments: {error}"
            raise ConfigError(
                what,
                expected=f"{name}{inspect.Signature(plain)}",
                received=", ".join(f"{key}={value!r}" for key, value in arguments.items()),
                fix=nearest(unknown[0], taken) if unknown else None,
            ) from error
        return factory(**arguments)

    def names(self, pattern: str = "*") -> list[str]:
        """Return the sorted names that match a glob `pattern`."""
        load_plugins()
        return sorted(fnmatch.filter(self._factories, pattern))
