"""Per-class rows of a head's parameters, matched by class name."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from densefit.checkpoint.weights.class_names import saved_names
from densefit.data.classes.class_lists import are_numbers, head_lists
from densefit.errors import DensefitError
from densefit.model.heads.head import Head, heads
from densefit.model.host_arrays import to_numpy

_log = logging.getLogger("densefit")

Rows = Mapping[str, Sequence[Hashable]]


def saved_heads(content: Any) -> list[Head]:
    """Rebuild a checkpoint's heads with their class names; empty if it has no spec."""
    spec = content.get("network") if isinstance(content, Mapping) else None
    names, restored = saved_names(content), []
    try:
        for entry in (spec or {}).get("heads", ()):
            head = heads.create(entry["task"], **entry["settings"])
            for target, class_names in names.get(head.name, {}).items():
                if are_numbers(head.class_lists().get(target, [])):
                    head.set_class_names(target, class_names)
            restored.append(head)
    except (DensefitError, KeyError, TypeError, ValueError, AttributeError):
        return []
    return restored


def rows_of(network_heads: Iterable[Head]) -> dict[str, Sequence[Hashable]]:
    """Return parameter -> names of its rows, over all heads."""
    return {name: rows for head in network_heads for name, rows in head.class_rows().items()}


def arranged(
    arrays: Mapping[str, Any], sources: Mapping[str, str], theirs: Rows, ours: Rows
) -> tuple[dict[str, Any], list[str]]:
    """Reorder the source's per-class rows by the network's classes.

    Args:
        arrays: name in the network -> array of the source.
        sources: name in the network -> name in the source.
        theirs: name in the source -> names of its rows.
        ours: name in the network -> names of its rows.

    Returns:
        The arrays with rows in the network's order, and the names of arrays that lack a class.
    """
    reordered, lacking = dict(arrays), []
    for name, rows in ours.items():
        there = theirs.get(sources.get(name, ""))
        if name not in arrays or there is None or list(there) == list(rows):
            continue
        indices = {row: index for index, row in enumerate(there)}
        if len(there) != arrays[name].shape[0] or not set(rows) <= set(indices):
            lacking.append(name)
            continue
        reordered[name] = to_numpy(arrays[name])[[indices[row] for row in rows]]
    return reordered, lacking


def take_names_of(
    theirs: Iterable[Head],
    ours: Iterable[Head],
    sources: Mapping[str, str],
    owners: Mapping[str, str | None],
) -> None:
    """Give heads with unnamed classes the class names of the source of their weights.

    Args:
        theirs: heads of the source.
        ours: heads of the network; a head with class names keeps them.
        sources: loaded parameter of the network -> name in the source.
        owners: parameter of the network -> the head that owns it.
    """
    named = list(theirs)
    for head in ours:
        source_names = {there for name, there in sources.items() if owners.get(name) == head.name}
        for source in named:
            rows = set(source.class_rows())
            if not (source_names & rows if rows else source_names and source.name == head.name):
                continue
            there, now = head_lists(source), head_lists(head)
            for target in now:
                names = there.get(target, now[target])
                if len(names) == len(now[target]) and are_numbers(now[target]) > are_numbers(names):
                    head.set_class_names(target, names)
                    _log.info(
                        "head %r, target %r: its classes are those of the weights that it got: %s",
                        head.name,
                        target,
                        ", ".join(names),
                    )


def tell_unarranged(
    theirs: Iterable[Head],
    ours: Iterable[Head],
    loaded: Iterable[str],
    owners: Mapping[str, str | None],
) -> None:
    """Log a warning for heads with other classes whose rows were loaded by position.

    Args:
        theirs: heads of the source.
        ours: heads of the network.
        loaded: loaded parameters.
        owners: parameter -> the head that owns it.
    """
    reached = {owners.get(name) for name in loaded}
    before = {head.name: head_lists(head) for head in theirs}
    for head in ours:
        there = before.get(head.name, {})
        now = head_lists(head)
        differ = [t for t in now if t in there and list(there[t]) != list(now[t])]
        named = [t for t in differ if not are_numbers(now[t]) and not are_numbers(there[t])]
        if named and head.name in reached and not head.class_rows():
            _log.warning(
                "the head %r has other classes than in the source (%s, there %s), and does not say "
                "whose its rows are (`class_rows`): they were brought by place",
                head.name,
                ", ".join(now[named[0]]),
                ", ".join(there[named[0]]),
            )
