"""The splits of a recipe's dataset: settings that name them, and classes that they have."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from densefit.data.classes.class_map import Renames
from densefit.data.classes.renamed_classes import names_of
from densefit.data.sample import Dataset, datasets
from densefit.datasets.files.split_names import WITHOUT_SPLITS
from densefit.errors import DataError, DensefitError, MissingSplitError

from .division import EXAMPLE

_WITHOUT = {
    "validation": "for a training without validation",
    "test": "to score the validation split at the end",
}


def missing_split(data: Any, split: str | None, where: str, error: DataError) -> MissingSplitError:
    """Make the error of a missing split, with the setting that names it and a fix.

    Args:
        data: settings of the dataset.
        split: name of the split; None for all samples.
        where: name of the settings.
        error: error of the dataset.
    """
    keys = [key for key in ("train", *_WITHOUT) if getattr(data, key, None) == split]
    splits = getattr(data, "splits", None)
    if splits is not None and splits.get("of") == split:
        keys = ["splits.of"]
    fixes = [str(error.fix)] if error.fix else []
    if takes_whole(data.dataset) and splits is None:
        # The same in the words of the command line.
        fixes = [text for fix in fixes for text in fix.split("; or ") if text != WITHOUT_SPLITS]
        fixes.append(f"--{where}.splits '{EXAMPLE}' divides a folder without splits")
    if keys:
        fixes.append(f"--{where}.{keys[-1]} NAME")
    if keys and keys[-1] in _WITHOUT:
        fixes.append(f"--{where}.{keys[-1]} null {_WITHOUT[keys[-1]]}")
    what = error.what
    split = str(split)
    if split == "null" and "train" in keys:
        what = "There is nothing to train on: the split to train on cannot be null"
    named = " and ".join(f"{where}.{key}" for key in keys)
    return MissingSplitError(
        what,
        expected=error.expected,
        received=error.received,
        where=f"{named}, {error.where}" if named else error.where,
        fix="; or ".join(map(str, fixes)) or None,
    )


def takes_whole(dataset: str) -> bool:
    """Whether a dataset takes None for its split: all samples of a folder without splits."""
    split = inspect.signature(datasets.get(dataset)).parameters.get("split")
    return split is not None and (split.default is None or "None" in str(split.annotation))


def renames_of_split(data: Any, split: str | None, dataset: Dataset, rename: Renames) -> Renames:
    """Drop renames of classes that only other splits of the dataset have.

    So a class that a single split spells differently is renamed there.

    Args:
        data: settings of the dataset.
        split: name of the split; None if unknown.
        dataset: dataset of the split.
        rename: renames of the recipe; names that no split has stay, and are an error later.
    """
    missing = rename.keys() - names_of(dataset)
    if not missing:
        return rename
    elsewhere: set[str] = set()
    for other in (getattr(data, key, None) for key in ("train", *_WITHOUT)):
        if other not in (None, split) and not missing <= elsewhere:
            elsewhere |= _names_in(data, str(other))
    return {old: new for old, new in rename.items() if old not in missing & elsewhere}


def _names_in(data: Any, split: str) -> set[str]:
    """Names of another split; none if it is broken, which raises where it is used."""
    taken = inspect.signature(datasets.get(data.dataset)).parameters
    own: Mapping[str, Any] = {"root": data.root, "split": split}
    settings = {**data.settings, **{key: own[key] for key in own if key in taken}}
    try:
        return names_of(datasets.create(data.dataset, **settings))
    except (DensefitError, OSError):
        return set()
