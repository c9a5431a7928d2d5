"""A function for each operator, in MXNet's namespaces."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from functools import cache
from types import ModuleType
from typing import Any

from densefit.errors import ConfigError
from densefit.symbol.builder.attributes import dtype_text
from densefit.symbol.builder.compose import compose
from densefit.symbol.builder.names import attribute_scope, name_manager
from densefit.symbol.builder.nodes import Entry
from densefit.symbol.builder.operators import Operator, operator, table
from densefit.symbol.builder.symbol import Symbol

_PREFIXES = ("_contrib_", "_linalg_", "_sparse_", "_image_", "_random_")
_NUMPY = ("_np_", "_npi_", "_npx_")


class _Unset:
    """Default of a setting: it is not in the JSON."""

    def __repr__(self) -> str:
        return "<unset>"


UNSET = _Unset()


def _apply(
    source: Operator, hint: str, inputs: list[Any], named: dict[str, Any], call: dict[str, Any]
) -> Symbol:
    """Make the node of a call.

    Args:
        source: operator of the node.
        hint: name of the function, for the node's name.
        inputs: Symbols by position.
        named: Symbols by name of the input.
        call: settings, `name` and `attr`.
    """
    scoped = attribute_scope().get(call.pop("attr", None))
    settings = {**call, **scoped}
    name = name_manager().get(settings.pop("name", None), hint)
    for key, value in [*enumerate(inputs), *named.items()]:
        if not isinstance(value, Symbol):
            raise TypeError(f"Argument {key} must be Symbol instances, but got {value}")
    if source.counter and source.takes_many:
        settings.setdefault(source.counter, len(inputs) + len(named))
    if inputs and named and source.takes_many:
        raise TypeError("The inputs are given by position or by name, not both")
    positional = [symbol.entries for symbol in inputs]
    by_name = {key: symbol.entries for key, symbol in named.items()}
    node = compose(source, positional, by_name, settings, name)
    return Symbol([Entry(node, number) for number in range(len(node.form.outputs))])


def _arguments(source: Operator, args: tuple[Any, ...], hint: str) -> dict[str, Any]:
    """Positional arguments by name."""
    names = [*source.listed, *source.parameters, "name", "attr", "out"]
    if len(args) > len(names):
        raise TypeError(f"{hint}() takes {len(names)} arguments, and {len(args)} were given")
    return dict(zip(names, args))


@cache
def function(alias: str, hint: str = "") -> Callable[..., Symbol]:
    """The function of an operator.

    Args:
        alias: name of the operator in MXNet's registry.
        hint: name of the function; by default the same.
    """
    source = operator(alias)
    if source is None:
        close = difflib.get_close_matches(alias, table(), n=1)
        raise ConfigError(
            f"MXNet 1.9.1 has no operator {alias}", fix=f"{close[0]}?" if close else None
        )
    hint = hint or alias

    def call(*args: Any, **settings: Any) -> Symbol:
        inputs: list[Any] = []
        if source.takes_many:
            inputs, args = list(args), ()
        arguments = _arguments(source, args, hint)
        twice = sorted(set(arguments) & set(settings))
        if twice:
            raise TypeError(f"{hint}() got multiple values for argument {twice[0]!r}")
        arguments.update(settings)
        arguments.pop("out", None)
        if "dtype" in source.parameters and arguments.get("dtype", UNSET) is not UNSET:
            arguments["dtype"] = dtype_text(arguments["dtype"])
        named = {
            key: value
            for key, value in arguments.items()
            if isinstance(value, Symbol) or (key in source.listed and value is not None)
        }
        call_settings = {
            key: value
            for key, value in arguments.items()
            if key not in named and key not in source.listed and value is not UNSET
        }
        return _apply(source, hint.lower(), inputs, named, call_settings)

    call.__name__ = call.__qualname__ = hint
    call.__doc__ = _doc(source)
    call.__signature__ = _signature(source)  # type: ignore[attr-defined]
    return call


def _signature(source: Operator) -> inspect.Signature:
    kind = inspect.Parameter
    rest: Any
    if source.takes_many:
        first = [kind(source.listed[0] if source.listed else "data", kind.VAR_POSITIONAL)]
        rest = kind.KEYWORD_ONLY
    else:
        rest = kind.POSITIONAL_OR_KEYWORD
        first = [kind(name, rest, default=None) for name in source.listed]
    names = [name for name in source.parameters if name.isidentifier()]
    settings = [kind(name, rest, default=UNSET) for name in names]
    ends = [kind(name, rest, default=None) for name in ("name", "attr", "out") if name not in names]
    return inspect.Signature([*first, *settings, *ends, kind("kwargs", kind.VAR_KEYWORD)])


def _doc(source: Operator) -> str:
    inputs = ", ".join(source.listed) or "none"
    lines = [f"    {name}: {kind}" for name, kind in source.parameters.items()]
    settings = ["Settings:", *lines] if lines else []
    return "\n".join(
        [f"Operator {source.name} of MXNet 1.9.1.", "", f"Inputs: {inputs}", *settings]
    )


class Namespace(ModuleType):
    """Functions that are made when they are first read.

    Args:
        name: e.g. "sym.contrib".
        aliases: name of each function -> operator.
        values: further attributes.
    """

    def __init__(
        self, name: str, aliases: Mapping[str, str], values: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(name)
        self._aliases = aliases
        self.__dict__.update(values or {})
        self.__all__ = sorted({*aliases, *(values or {})})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self.__dict__.get("_aliases", {}):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = function(self._aliases[name], name)
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        return list(self.__all__)


def aliases_by_namespace() -> dict[str, dict[str, str]]:
    """Namespace ("op", "_internal", "contrib"...) -> name of each function -> operator."""
    spaces: dict[str, dict[str, str]] = {"op": {}, "_internal": {}}
    for alias in table():
        if alias.startswith(_NUMPY):
            continue
        prefix = next((prefix for prefix in _PREFIXES if alias.startswith(prefix)), "")
        if prefix and (prefix != "_random_" or alias.endswith("_like")):
            spaces.setdefault(prefix.strip("_"), {})[alias[len(prefix) :]] = alias
        else:
            spaces["_internal" if alias.startswith("_") else "op"][alias] = alias
    return spaces
