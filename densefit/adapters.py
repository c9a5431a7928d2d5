"""Adapters: how models, iterators, metrics and callbacks of other libraries are taken in.

`fit` and `score` know one kind of each. What users bring of another library's is made one of these
by an adapter that is registered here, by `densefit.interop` or by a plugin. `densefit.interop` is
imported when an adapter is first looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, Generic, TypeVar

from densefit.errors import EngineError

T = TypeVar("T")


class Adapters(Generic[T]):
    """Functions that make a `T` of a foreign object, each with a test for its objects.

    >>> numbers: Adapters[int] = Adapters()
    >>> @numbers.register(lambda thing: isinstance(thing, str))
    ... def of_text(text): return int(text)
    >>> numbers.adapt("7"), numbers.adapt(None)
    (7, None)
    """

    def __init__(self) -> None:
        self._known: list[tuple[Callable[[Any], bool], Callable[..., T]]] = []
        self._names: list[str] = []

    def register(
        self, accepts: Callable[[Any], bool], names: Iterable[str] = ()
    ) -> Callable[[Callable[..., T]], Callable[..., T]]:
        """A decorator that enters a function for the objects that `accepts` is true of.

        Where several accept an object, the one registered last is asked.

        Args:
            accepts: tests an object.
            names: that it accepts, for error messages about unknown names.
        """
        _register_interop()  # first, so that its adapters do not go before this one
        self._names += names

        def enter(adapter: Callable[..., T]) -> Callable[..., T]:
            self._known.append((accepts, adapter))
            return adapter

        return enter

    def accepts(self, thing: Any) -> bool:
        """Whether an adapter is registered for an object."""
        _register_interop()
        return any(test(thing) for test, _ in self._known)

    def names(self) -> list[str]:
        """The names that adapters accept."""
        _register_interop()
        return list(self._names)

    def adapt(self, thing: Any, **context: Any) -> T | None:
        """The `T` made of an object; None if no adapter accepts it."""
        _register_interop()
        for test, adapter in reversed(self._known):
            if test(thing):
                return adapter(thing, **context)
        return None


def _register_interop() -> None:
    """Import the adapters of densefit; without MXNet there are none of its objects to adapt."""
    try:
        import_module("densefit.interop")  # a room above this one
    except EngineError:
        pass


models: Adapters[Any] = Adapters()  #: to a ModelInput, see `densefit.engine.model_input`
batches: Adapters[Any] = Adapters()  #: to an iterator of batches with names
sources: Adapters[Any] = Adapters()  #: to a Source of batches, see `densefit.engine.sources`
metrics: Adapters[Any] = Adapters()  #: to a densefit Metric
#: Arguments of Module.fit by name, to the adapters and callbacks that they ask for
module_arguments: Adapters[Any] = Adapters()
