"""Refuse heads whose outputs or inputs share a name, and would be bound as one array."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from densefit.errors import ConfigError
from densefit.symbol import sym


def check_outputs(names: Mapping[str, Iterable[str]]) -> None:
    """Raise ConfigError if outputs of two heads, or two of one head, have one name.

    Args:
        names: head -> full names of its outputs in a graph.
    """
    owners: dict[str, str] = {}
    for head, outputs in names.items():
        for name in outputs:
            if name in owners:
                raise _clash("Two outputs are", name, [owners[name], head])
            owners[name] = head


def check_inputs(
    symbol: Any, outputs: Mapping[str, Iterable[str]], claims: Mapping[str, Iterable[str]]
) -> None:
    """Raise ConfigError if two inputs of a train graph have one name, which binds one array.

    Args:
        symbol: graph of all heads.
        outputs: head -> full names of its outputs in it.
        claims: head -> names of its labels, sample weights and loss weights.
    """
    counts = Counter(symbol.list_inputs())
    readers: dict[str, list[str]] = {}
    for head, names in outputs.items():
        group = sym.Group([symbol[f"{name}_output"] for name in names])
        for name in {*group.list_inputs(), *claims[head]}:
            readers.setdefault(name, []).append(head)
    for head, names in claims.items():
        for name in names:
            if len(readers[name]) > 1:
                raise _clash("Two inputs are", name, [head, *readers[name]])
    for name, count in counts.items():
        if count > 1:
            raise _clash(f"{count} inputs are", name, readers.get(name, []))


def check_variables(symbol: Any) -> None:
    """Raise ConfigError if two inputs of a user's Symbol have one name: MXNet cannot bind it."""
    for name, count in Counter(symbol.list_inputs()).items():
        if count > 1:
            raise ConfigError(
                f"{count} inputs of the Symbol are called {name!r}, and MXNet binds one array each",
                expected="names of which none is made twice",
                received=", ".join(symbol.list_inputs())[:500],
                fix=f"if they are one, make it once and use it in all places: x = "
                f"mx.sym.Variable({name!r}); else name the layers, or the Variables, apart",
            )


def _clash(what: str, name: str, heads: Iterable[str]) -> ConfigError:
    names = list(dict.fromkeys(heads))
    longest = max(names, key=len, default="head")
    other = longest.replace("_", "-") if "_" in longest and len(names) > 1 else f"{longest}-head"
    rule = "layers, labels and outputs go by the head's name and their own"
    if names and not any(name.startswith(f"{head}_") for head in names):
        fix = f"call it f'{{self.name}}_{name}' in the head"
    elif len(names) == 1:
        fix = f"give them different names in the head; or df.head(task, name={other!r}): {rule}"
    else:
        fix = f"another name for one, df.head(task, name={other!r}) (recipe: model.heads.{other})"
    return ConfigError(
        f"{what} called {name!r}, and would be bound as one",
        expected=f"unique names: {rule}",
        received=f"heads {', '.join(map(repr, names))}" if names else "the backbone's",
        fix=fix,
    )
