"""Rows of a head's parameters by the names of the classes that they belong to."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from densefit.checkpoint.weights.class_names import saved_names
from densefit.data.classes.class_lists import are_numbers, head_lists
from densefit.errors import DensefitError
from densefit.model.heads.head import Head, heads

_log = logging.getLogger("densefit")

Rows = Mapping[str, Sequence[Hashable]]


def saved_heads(content: Any) -> list[Head]:
    """The heads of a checkpoint, with their names; none where it does not say how they are made."""
    spec = content.get("network") if isinstance(content, Mapping) else None
    names, found = saved_names(content), []
    try:
        for entry in (spec or {}).get("heads", ()):
            head = heads.create(entry["task"], **entry["settings"])
            for target, own in names.get(head.name, {}).items():
                if are_numbers(head.class_lists().get(target, [])):
                    head.set_class_names(target, own)
            found.append(head)
    except (DensefitError, KeyError, TypeError, ValueError, AttributeError):
        return []
    return found


def rows_of(own: Iterable[Head]) -> dict[str, Sequence[Hashable]]:
    """Parameter -> the names of its rows, of all heads."""
    return {name: rows for head in own for name, rows in head.class_rows().items()}


def arranged(
    given: Mapping[str, Any], sources: Mapping[str, str], theirs: Rows, ours: Rows
) -> tuple[dict[str, Any], list[str]]:
    """Arrays whose rows are in our order, and the names of those that lack some of our classes.

    Args:
        given: our name -> array of the source.
        sources: our name -> its name there.
        theirs: the source's name -> the names of its rows.
        ours: the same of the network.
    """
    found, lacking = dict(given), []
    for name, wanted in ours.items():
        there = theirs.get(sources.get(name, ""))
        if name not in given or there is None or list(there) == list(wanted):
            continue
        places = {row: place for place, row in enumerate(there)}
        if len(there) != given[name].shape[0] or not set(wanted) <= set(places):
            lacking.append(name)
            continue
        array = given[name]
        array = array.asnumpy() if hasattr(array, "asnumpy") else np.asarray(array)
        found[name] = array[[places[row] for row in wanted]]
    return found, lacking


def take_names_of(
    theirs: Iterable[Head],
    ours: Iterable[Head],
    sources: Mapping[str, str],
    owners: Mapping[str, str | None],
) -> None:
    """Give heads that have numbers of classes the names that the heads of their weights have.

    Args:
        theirs: heads of the source.
        ours: heads of the network; one that has names, or has learned some, keeps them.
        sources: parameter of the network -> its name in the source, of those that were brought in.
        owners: parameter of the network -> the head whose it is.
    """
    named = list(theirs)
    for head in ours:
        own = {there for name, there in sources.items() if owners.get(name) == head.name}
        for source in named:
            rows = set(source.class_rows())
            if not (own & rows if rows else own and source.name == head.name):
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
    """Log a warning for heads with other names whose rows nobody names: they came by place.

    Args:
        theirs: heads of the source.
        ours: heads of the network.
        loaded: parameters that were brought in.
        owners: parameter -> the head whose it is.
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
