"""Heads of a network from a file of a whole model, by the tables of their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TypeAlias

import numpy as np

from densefit.checkpoint.weights.class_matching import class_layers, match_classes
from densefit.checkpoint.weights.converting import apply
from densefit.checkpoint.weights.files.weight_file import WeightFile
from densefit.checkpoint.weights.maps.head_map import HeadMap, head_layouts_of
from densefit.checkpoint.weights.maps.name_map import names_by_rows
from densefit.errors import ConfigError
from densefit.model.heads.head import Head
from densefit.model.network import Network
from densefit.model.parameters import check_head, owners, shapes

#: Class names of a file: of all heads, or by the name of the head.
FileClasses: TypeAlias = Sequence[str] | Mapping[str, Sequence[str]]


@dataclass
class HeadWeights:
    """What a file of a whole model has for the heads of a network.

    Attributes:
        arrays: parameter -> array, in the network's shape.
        used: names in the file.
        unused: names in the file that are of no use.
        layouts: head -> whose names its layers have.
        matched_classes: head -> classes whose rows the file has.
        new_classes: head -> classes whose rows are drawn.
        left_out: head -> why its layers, or its rows of classes, are not loaded.
        learned: head -> class names that it takes from the file.
    """

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    unused: set[str] = field(default_factory=set)
    layouts: dict[str, str] = field(default_factory=dict)
    matched_classes: dict[str, list[str]] = field(default_factory=dict)
    new_classes: dict[str, list[str]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    learned: dict[str, list[str]] = field(default_factory=dict)

    def give_names(self, network: Network) -> None:
        """Give heads of numbered classes the class names of the file."""
        for head in network.heads:
            if head.name in self.learned and head.class_target is not None:
                head.set_class_names(head.class_target, self.learned[head.name])


@dataclass(frozen=True)
class _Choice:
    """The layout with the most names in the file: parameter -> name there, and the model's root."""

    layout: str
    table: HeadMap
    names: Mapping[str, str]
    root: str
    count: int


def head_weights(
    network: Network, file: WeightFile, start: str, classes: FileClasses | None
) -> HeadWeights:
    """Collect the layers of heads in a file of a whole model. The network does not change.

    Args:
        network: the network.
        file: the file.
        start: what precedes the backbone's names in the file.
        classes: class names of the file, by row; None: as the layout says.

    Raises:
        ConfigError: `classes` names a head that there is not, or has another number of names than
            the file has rows.
    """
    if isinstance(classes, (str, bytes)):
        raise ConfigError("Classes are a list of names", received=repr(classes), where="classes")
    for name in classes if isinstance(classes, Mapping) else ():
        check_head(network, name)
    weights = HeadWeights()
    owner_of = owners(network)
    for head in network.heads:
        parameters = [name for name, owner in owner_of.items() if owner == head.name]
        choice = _choose(head, parameters, file, start)
        if choice is not None:
            stated = classes.get(head.name) if isinstance(classes, Mapping) else classes
            _add(weights, network, head, parameters, choice, file, stated)
    return weights


def _choose(head: Head, parameters: Sequence[str], file: WeightFile, start: str) -> _Choice | None:
    """The layout that has the most names in the file; None if the file has no layer of the head."""
    bare = {name.removeprefix(f"{head.name}_"): name for name in parameters}
    choices = []
    for layout, table in head_layouts_of(head, list(bare)).items():
        if not start.endswith(table.backbone):
            continue
        root = start.removesuffix(table.backbone)
        there = names_by_rows(bare, table.rows, table.ends)
        names = {bare[layer]: root + name for layer, name in there.items()}
        count = sum(name in file.arrays for name in names.values())
        choices.append(_Choice(layout, table, names, root, count))
    best = max(choices, key=lambda choice: choice.count, default=None)
    return best if best is not None and best.count else None


def _add(
    weights: HeadWeights,
    network: Network,
    head: Head,
    parameters: Sequence[str],
    choice: _Choice,
    file: WeightFile,
    stated: Sequence[str] | None,
) -> None:
    """Add a head's layers in the file, or why they are left out."""
    sizes, of_classes, table = shapes(network), class_layers(head), choice.table
    weights.unused.update(
        name
        for name in file.arrays
        if any(fnmatchcase(name, choice.root + pattern) for pattern in table.unused)
    )
    arrays, problems = {}, []
    for name, theirs in choice.names.items():
        if theirs not in file.arrays:
            problems.append(f"the file has no {theirs}")
            continue
        convert = table.convert.get(name.removeprefix(f"{head.name}_"))
        array = file.arrays[theirs]
        array = array if convert is None else apply(convert, array)
        skipped = 1 if name in of_classes else 0
        if array.ndim and _plain(array.shape[skipped:]) == _plain(sizes[name][skipped:]):
            arrays[name] = array if skipped else array.reshape(sizes[name])
        else:
            problems.append(f"{theirs} is {array.shape}, not {sizes[name]}")
    if problems:
        more = f", ... ({len(problems)})" if len(problems) > 2 else ""
        weights.left_out[head.name] = f"names of {choice.layout}: {'; '.join(problems[:2])}{more}"
        return
    weights.layouts[head.name] = choice.layout
    layers = {name: array for name, array in arrays.items() if name in of_classes}
    match = match_classes(network, head, table, layers, stated) if layers else None
    if match is not None:
        if match.problem is not None:
            weights.left_out[head.name] = f"layers of classes: {match.problem}"
        if match.learned is not None:
            weights.learned[head.name] = match.learned
        if match.matched:
            weights.matched_classes[head.name] = match.matched
        if match.new:
            weights.new_classes[head.name] = match.new
    for name, array in arrays.items():
        if name not in of_classes or (match is not None and name in match.arrays):
            weights.used.add(choice.names[name])
            rows = match.arrays.get(name) if match is not None else None
            weights.arrays[name] = array if rows is None else rows
    for name in parameters if head.name not in weights.left_out else ():
        layer = name.removeprefix(f"{head.name}_").rpartition("_")[0]
        if layer in table.zeros:
            weights.arrays[name] = np.zeros(sizes[name], np.float32)


def _plain(shape: Sequence[int]) -> list[int]:
    """A shape without axes of size 1, by which files may differ."""
    return [size for size in shape if size != 1]
