"""Layers of classes from a file of a whole model: rows by class name, the other rows drawn."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from densefit.checkpoint.weights.grown_rows import merged
from densefit.checkpoint.weights.maps.class_lists import ALIAS, BACKGROUND
from densefit.checkpoint.weights.maps.head_map import HeadMap
from densefit.data.classes.class_lists import are_numbers, head_lists
from densefit.errors import ConfigError
from densefit.model.heads.head import Head
from densefit.model.network import Network
from densefit.model.parameters import shapes

Rows = Mapping[str, Sequence[Hashable]]
_PARTS = ("weight", "bias")


@dataclass(frozen=True)
class ClassMatch:
    """Layers of classes, in the network's classes.

    Attributes:
        arrays: parameter -> array, with rows of the file and drawn ones.
        matched: classes of the head that the file has.
        new: the others, whose rows are drawn, or stay as they were.
        learned: class names that a head of numbered classes takes from the file.
        problem: why no rows are loaded.
    """

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    matched: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    learned: list[str] | None = None
    problem: str | None = None


def class_layers(head: Head) -> set[str]:
    """Return the parameters whose rows are of classes, also of a head of numbered classes."""
    target = head.class_target
    names = head_lists(head).get(target or "", [])
    twin = _named(head, _placeholders(names)) if names and are_numbers(names) else head
    return set(twin.class_rows())


def match_classes(
    network: Network,
    head: Head,
    table: HeadMap,
    arrays: Mapping[str, np.ndarray],
    stated: Sequence[str] | None,
) -> ClassMatch:
    """Bring the rows of a file into the order of a head's classes.

    Args:
        network: the network of the head.
        head: the head.
        table: names of the head's layers in the file.
        arrays: parameter of the network -> array of the file, of `class_layers` alone.
        stated: class names of the file by the user; None: as the table says.

    Raises:
        ConfigError: the file has another number of rows than `stated` has names.
    """
    sizes = shapes(network)
    names = _file_classes(head, table, arrays, stated)
    before = head_lists(head).get(head.class_target or "", [])
    if before and are_numbers(before):
        if names is None and all(arrays[name].shape == sizes[name] for name in arrays):
            return ClassMatch(dict(arrays))
        learned = _learned(before, names or [])
        if learned is None:
            return ClassMatch(problem=_UNNAMED)
        head = _named(head, learned)
    else:
        learned = None
    if names is None:
        return ClassMatch(problem="the names of the file's classes are not known: state classes=")
    there, here = _file_rows(head, table, names, arrays), head.class_rows()
    if not any({*there[name]} & {*here[name]} for name in arrays):
        return ClassMatch(problem="none of its classes is in the file")
    result = {
        name: merged(network, name, array, there[name], here[name])
        for name, array in arrays.items()
    }
    class_names = head_lists(head).get(head.class_target or "", [])
    matched = [name for name in class_names if name in names]
    return ClassMatch(result, matched, [n for n in class_names if n not in names], learned)


_UNNAMED = "its classes have no names, and their number is another: make it with class names"


def _file_classes(
    head: Head, table: HeadMap, arrays: Mapping[str, np.ndarray], stated: Sequence[str] | None
) -> list[str] | None:
    """Class names of the file, or None if nobody says them."""
    lists = table.class_lists if stated is None else (stated,)
    for names in lists:
        plain = [BACKGROUND if name == ALIAS else name for name in names]
        rows = _file_rows(head, table, plain, arrays)
        wrong = {n: len(rows[n]) for n in arrays if len(rows.get(n, ())) != len(arrays[n])}
        if not wrong:
            return plain
        if stated is not None:
            name, count = next(iter(wrong.items()))
            raise ConfigError(
                f"The file has another number of classes than `classes` for the head {head.name!r}",
                expected=f"{len(arrays[name])} rows in {name}",
                received=f"{len(plain)} names, which make {count} rows",
                fix="name all classes of the file in order; the background, too, if it has a row",
            )
    return None


def _file_rows(
    head: Head, table: HeadMap, names: Sequence[str], layers: Mapping[str, object]
) -> Rows:
    """Parameter of the head -> class of each row of the file."""
    if table.class_rows is None:
        return {name: names for name in layers}
    return {
        f"{head.name}_{layer}_{part}": rows
        for layer, rows in table.class_rows(names).items()
        for part in _PARTS
    }


def _learned(before: Sequence[str], names: Sequence[str]) -> list[str] | None:
    """Names for a head of numbered classes: the file's, perhaps without the background."""
    objects = [name for name in names if name not in (BACKGROUND, "N/A")]
    return next((list(n) for n in (names, objects) if n and len(n) == len(before)), None)


def _placeholders(names: Sequence[str]) -> list[str]:
    return [f"class {name}" for name in names]


def _named(head: Head, names: Sequence[str]) -> Head:
    """A copy of a head with class names; the head does not change."""
    twin = copy.copy(head)
    twin.learned_names = {**head.learned_names, str(head.class_target): list(names)}
    return twin
