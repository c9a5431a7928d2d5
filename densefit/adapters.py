"""Adapters: how models, iterators, metrics and callbacks of other libraries are taken in.

`fit` and `score` know one kind of each. What users bring of another library's is made one of these
by an adapter that is registered here, by `densefit.interop` or by a plugin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

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
        self._names += names

        def enter(adapter: Callable[..., T]) -> Callable[..., T]:
            self._known.append((accepts, adapter))
            return adapter

        return enter

    def accepts(self, thing: Any) -> bool:
        """Whether an adapter is registered for an object."""
        return any(test(thing) for test, _ in self._known)

    def names(self) -> list[str]:
        """The names that adapters accept."""
        return list(self._names)

    def adapt(self, thing: Any, **context: Any) -> T | None:
        """The `T` made of an object; None if no adapter accepts it."""
        for test, adapter in reversed(self._known):
            if test(thing):
                return adapter(thing, **context)
        return None


models: Adapters[Any] = Adapters()  #: to a ModelInput, see `densefit.engine.model_input`
batches: Adapters[Any] = Adapters()  #: to an iterator of batches with names
sources: Adapters[Any] = Adapters()  #: to a Source of batches, see `densefit.engine.sources`
metrics: Adapters[Any] = Adapters()  #: to a densefit Metric
#: Arguments of Module.fit by name, to the wires and callbacks that they ask for
module_arguments: Adapters[Any] = Adapters()
