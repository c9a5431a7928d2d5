"""Find the layout of a folder, for the targets that tasks learn."""

from __future__ import annotations

import inspect
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

from densefit.data.sample import datasets
from densefit.data.targets_present import targets_in
from densefit.datasets.files.layout_error import contents, look_alikes
from densefit.datasets.files.pictures import folders_in
from densefit.errors import ConfigError, DataError, DensefitError
from densefit.model.heads.head import heads

#: Target -> setting of a dataset that reads it.
SWITCHES = {
    "mask": "masks",
    "instances": "instances",
    "instance_ids": "instances",
    "keypoints": "keypoints",
    "labels": "labels",
}


def targets_of_task(task: str, settings: dict[str, Any] | None = None) -> frozenset[str]:
    """Targets that a task's head learns, as its class declares them.

    >>> sorted(targets_of_task("detection")), sorted(targets_of_task("segmentation"))
    (['boxes', 'classes'], ['mask'])

    Args:
        task: registered name of a head.
        settings: of the head.
    """
    kind = heads.get(task)
    declared = getattr(kind, "targets", ())
    if declared:
        return frozenset(declared)
    if task == "panoptic":
        return frozenset(("mask", "boxes", "classes", "instances"))
    parameter = inspect.signature(kind).parameters.get("target")
    stated = (settings or {}).get("target")
    target = stated or (parameter.default if parameter else getattr(kind, "class_target", None))
    return frozenset([target] if isinstance(target, str) else [])


def switches(dataset: str, targets: Set[str]) -> dict[str, Any]:
    """Settings by which a layout reads targets that it does not read by itself.

    >>> switches("yolo", {"boxes", "mask"})
    {'masks': True}
    """
    taken = inspect.signature(datasets.get(dataset)).parameters
    names = dict.fromkeys(SWITCHES[target] for target in sorted(targets) if target in SWITCHES)
    return {name: True for name in names if name in taken and taken[name].default is False}


def find_layout(root: str, targets: Set[str] = frozenset()) -> str:
    """The registered layout that a folder has.

    Args:
        root: the folder.
        targets: targets that the layout must have; of several layouts that the folder looks like,
            the first that has them.

    Raises:
        DataError: the folder is missing, empty, or looks like no layout.
        ConfigError: it looks like several.
    """
    path = Path(root)
    if not path.is_dir():
        raise DataError(
            "There is no such folder",
            received=root if path.is_absolute() else f"{root}, in {Path.cwd()}",
            where="--data",
            fix="--data DIR, the folder of the photographs and their labels",
        )
    names = look_alikes(path)
    if len(names) > 1:
        fitting = [name for name in names if _has(name, root, targets)]
        names = fitting[:1] if targets and fitting else names
    if len(names) == 1:
        return names[0]
    if names:
        raise ConfigError(
            f"The folder looks like {' and '.join(names)}",
            where=root,
            fix=" or ".join(f"--data.dataset {name}" for name in names),
        )
    raise _no_layout(path)


def set_layout(settings: Any, named: Set[str]) -> None:
    """Set the layout of a program's data, where only the folder was named: `--data DIR`.

    Args:
        settings: of a program, with `data`, which are changed.
        named: options of the command line, as dotted keys.

    Raises:
        DataError, ConfigError: see `find_layout`.
    """
    data = settings.data
    if data.root is not None and not named & {"data.dataset", "config"}:
        data.dataset = find_layout(data.root)
        print(f"{data.root}: layout {data.dataset}")


def _has(name: str, root: str, targets: Set[str]) -> bool:
    """Whether a folder can be read in a layout and has the targets."""
    taken = inspect.signature(datasets.get(name)).parameters
    settings = switches(name, targets)
    splits: Sequence[str | None] = ("train", None) if "split" in taken else ("",)
    for split in splits:
        split_settings = {} if split == "" else {"split": split}
        try:
            dataset = datasets.create(name, root=root, **settings, **split_settings)
            return targets_in(dataset) >= targets
        except (DensefitError, OSError, TypeError):
            continue
    return False


def _no_layout(path: Path) -> DataError:
    inner = [folder for folder in folders_in(path)[:20] if look_alikes(path / folder)]
    fix = "--data.dataset NAME, if you know its layout; docs/own-data.md shows all of them"
    if inner:
        fix = f"--data {path / inner[0]}, which looks like {look_alikes(path / inner[0])[0]}"
    return DataError(
        "The folder has no known layout of samples and labels",
        received=contents(path),
        where=path,
        fix=fix,
    )
