"""The dataset of a split: the dataset's own split, or a part that the recipe makes."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, Protocol

from densefit.data.classes.renamed_classes import with_renames
from densefit.data.io.cache import cached
from densefit.data.sample import Dataset, datasets
from densefit.datasets.files.names import missing_split as unknown_split
from densefit.errors import ConfigError, DataError, MissingSplitError, located
from densefit.tools.recipes.data.division import ALL, KEEP, Division, division_of, read_once, whole
from densefit.tools.recipes.data.splits import missing_split, renames_of_split, takes_whole


class Source(Protocol):
    """Settings of a dataset in a recipe."""

    dataset: str
    root: str | None
    settings: dict[str, Any]


@read_once()
def make_dataset(data: Source, split: str, where: str = "data") -> Dataset:
    """Make the dataset of a split; factories that take `root` and `split` receive them.

    If the settings divide the dataset, the split is a part of it.

    Args:
        data: settings of the dataset.
        split: name of the split.
        where: name of the settings, for errors.
    """
    division = _division(data, where)
    if division is not None and (split in division.fractions or division.divides_all):
        created = _divided(data, division, split, where)
    else:
        created = _opened(data, split, where)
    # A part of several datasets has no cache, and the mixture renames its classes.
    cache, rename = getattr(data, "cache", None), getattr(data, "rename", None)
    dataset = cached(created, cache, f"{where}.cache")
    rename = renames_of_split(data, split, created, rename or {})
    with located(f"{where}.rename, split {split!r}"):
        renamed: Dataset = with_renames(dataset, rename)
    return renamed


def _divided(data: Source, division: Division, split: str, where: str) -> Dataset:
    """A split that the recipe makes."""
    if split not in division.fractions:
        error = unknown_split(split, Path(f"{where}.splits"), list(division.fractions))
        raise missing_split(data, split, where, error)
    dataset = _whole(data, None if division.divides_all else division.of, where)
    return division.part(dataset, split, data.root, where)


def _division(data: Source, where: str) -> Division | None:
    """The division of a dataset; None where its own splits are used.

    Raises:
        ConfigError: the dataset has splits of its own, and nothing says what becomes of them.
    """
    division = division_of(data, where)
    existing = existing_splits(data, where) if division is not None and division.of is None else []
    if division is None or not existing:
        return division
    if division.keeps_existing:
        return None
    raise ConfigError(
        "The dataset has splits of its own, whose samples these splits would mix",
        expected="a dataset without splits",
        received=f"the splits {', '.join(existing)}",
        where=f"{where}.splits",
        fix=f"--{where}.splits null uses them; --{where}.splits.of {existing[0]} divides one of "
        f"them, and --{where}.splits.of {ALL} all samples; or {where}.splits.existing: {KEEP}, in "
        "a recipe for datasets with and without splits",
    )


def existing_splits(data: Source, where: str = "data") -> list[str]:
    """The splits that a dataset has by itself, of those that its settings name.

    Args:
        data: settings of the dataset.
        where: name of the settings, for errors.
    """
    if "split" not in inspect.signature(datasets.get(data.dataset)).parameters:
        return []
    named = (getattr(data, key, None) for key in ("train", "validation", "test"))
    sizes = {name: _size(data, name, where) for name in named if name is not None}
    existing = [name for name, size in sizes.items() if size is not None]
    if not existing or not takes_whole(data.dataset):
        return existing
    try:
        count = _size(data, None, where)  # a dataset of one file may give it for every name
    except ConfigError:  # of several files it takes none without a split
        return existing
    return [name for name in existing if sizes[name] != count]


def _size(data: Source, split: str | None, where: str) -> int | None:
    """Number of samples of a dataset's own split; None if there is none."""
    try:
        return len(_whole(data, split, where))
    except (DataError, OSError):
        return None


def _whole(data: Source, split: str | None, where: str) -> Dataset:
    """The dataset of `_opened`, once for all splits that are made of it."""
    key = (data.dataset, data.root, data.settings, split)
    return whole(key, lambda: _opened(data, split, where))


def _opened(data: Source, split: str | None, where: str) -> Dataset:
    """The dataset of one of its own splits; None: of all samples."""
    factory = datasets.get(data.dataset)
    taken = inspect.signature(factory).parameters
    settings: dict[str, Any] = dict(data.settings)
    if "root" in taken:
        if data.root is None:
            raise ConfigError(
                f"The dataset {data.dataset!r} needs its folder", fix=f"--{where}.root DIR"
            )
        settings["root"] = data.root
    if "split" in taken and split is not None:
        settings["split"] = split
    elif takes_whole(data.dataset):
        settings.setdefault("split", None)  # all samples
    elif "split" in taken and "split" not in settings:
        raise ConfigError(
            f"The dataset {data.dataset!r} has splits of its own: which one is divided?",
            where=f"{where}.splits",
            fix=f"--{where}.splits.of {taken['split'].default}",
        )
    try:
        return datasets.create(data.dataset, **settings)
    except (DataError, OSError) as error:
        if "root" not in settings or not _is_missing_folder(str(settings["root"])):
            if isinstance(error, MissingSplitError):
                raise missing_split(data, split, where, error) from error
            raise
        root = Path(settings["root"])
        raise DataError(
            f"The folder of the dataset {data.dataset!r} is not there",
            received=root if root.is_absolute() else f"{root}, in {Path.cwd()}",
            where=f"{where}.root",
            fix=f"--{where}.root DIR",
        ) from error


def _is_missing_folder(root: str) -> bool:
    """Whether a root is a local folder, and no address or pattern of files, that is not there."""
    return "://" not in root and not root.endswith(".tar") and not Path(root).is_dir()
