"""Adapters of other libraries' models, iterators, metrics and callbacks.

`fit` and `score` handle one type of each. Objects of other libraries are converted by adapters
that `densefit.interop` or a plugin registers here. `densefit.interop` is imported at the first
lookup of an adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, Generic, TypeVar

from densefit.errors import EngineError

T = TypeVar("T")


class Adapters(Generic[T]):
    """Registry of functions that convert foreign objects to `T`, each with a test of its objects.

    >>> numbers: Adapters[int] = Adapters()
    >>> @numbers.register(lambda value: isinstance(value, str))
    ... def of_text(text): return int(text)
    >>> numbers.adapt("7"), numbers.adapt(None)
    (7, None)
    """

    def __init__(self) -> None:
        self._adapters: list[tuple[Callable[[Any], bool], Callable[..., T]]] = []
        self._names: list[str] = []

    def register(
        self, accepts: Callable[[Any], bool], names: Iterable[str] = ()
    ) -> Callable[[Callable[..., T]], Callable[..., T]]:
        """Return a decorator that registers a function for objects that pass `accepts`.

        If several adapters accept an object, the last registered one is used.

        Args:
            accepts: test of an object.
            names: names that the adapter accepts, for error messages about unknown names.
        """
        _register_interop()  # first, so that this adapter takes precedence over interop's
        self._names += names

        def enter(adapter: Callable[..., T]) -> Callable[..., T]:
            self._adapters.append((accepts, adapter))
            return adapter

        return enter

    def accepts(self, value: Any) -> bool:
        """Return whether an adapter is registered for an object."""
        _register_interop()
        return any(test(value) for test, _ in self._adapters)

    def names(self) -> list[str]:
        """Return the names that adapters accept."""
        _register_interop()
        return list(self._names)

    def adapt(self, value: Any, **context: Any) -> T | None:
        """Convert an object to `T`; None if no adapter accepts it."""
        _register_interop()
        for test, adapter in reversed(self._adapters):
            if test(value):
                return adapter(value, **context)
        return None


def _register_interop() -> None:
    """Import densefit's adapters; without MXNet there are no MXNet objects to adapt."""
    try:
        import_module("densefit.interop")  # a room above this one
    except EngineError:
        pass


models: Adapters[Any] = Adapters()  #: to a ModelInput, see `densefit.engine.model_input`
batches: Adapters[Any] = Adapters()  #: to an iterator of batches with names
sources: Adapters[Any] = Adapters()  #: to a Source of batches, see `densefit.engine.sources`
metrics: Adapters[Any] = Adapters()  #: to a densefit Metric
#: Arguments of Module.fit by name, to adapters and callbacks
module_arguments: Adapters[Any] = Adapters()
