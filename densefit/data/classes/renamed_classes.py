"""A dataset with other names of its classes, some of which may become one, or be left out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from densefit.data.annotated import all_targets, targets_of
from densefit.data.checks.sample import read_sample
from densefit.data.classes.class_lists import POINT_NAMES, dataset_list, is_from_classes
from densefit.data.classes.class_map import (
    CLASS_TARGETS,
    ClassMap,
    Renames,
    class_map,
    mapped,
    renamed,
    union,
)
from densefit.data.classes.known_classes import with_known
from densefit.data.sample import Dataset, Sample
from densefit.data.wrapped import attribute_of
from densefit.errors import ConfigError
from densefit.registry import nearest


class RenamedClasses:
    """A dataset whose classes have other names. Everything else about it passes through.

    Args:
        dataset: that is read.
        rename: its name of a class, or of a keypoint -> another one, or None to drop the class:
            objects are left out, pixels become 255, and the picture's label -1. Two classes that
            get one name become one.

    Raises:
        ConfigError: the dataset has no such class, none would be left, or keypoints would be
            dropped or have one name.
    """

    def __init__(self, dataset: Dataset, rename: Renames) -> None:
        self.dataset, self.rename = dataset, dict(rename)
        self._maps: dict[str, ClassMap] = {}
        known: set[str] = set()
        for target in CLASS_TARGETS:
            own = dataset_list(dataset, target)
            if own is None:
                continue
            known.update(own)
            names = union([renamed(own, self.rename)])
            if not names:
                raise ConfigError("No class would be left", received=self.rename, where="rename")
            if not known.isdisjoint(self.rename):
                self._maps[target] = class_map(
                    dataset, target, self.rename, names, "refuse", "renamed"
                )
            if target == CLASS_TARGETS[0] or not is_from_classes(dataset, target):
                setattr(
                    self, "classes" if target == CLASS_TARGETS[0] else f"{target}_classes", names
                )
        known.update(self._points(dataset))
        if not getattr(dataset, "masks", True):  # a class of masks alone
            known.discard("background")
        for old in self.rename:
            if old not in known:
                raise ConfigError(
                    f"The dataset has no class {old!r} to rename",
                    where="rename",
                    fix=nearest(old, known),
                )

    def _points(self, dataset: Any) -> Sequence[str]:
        own: Sequence[str] = attribute_of(dataset, POINT_NAMES) or []
        if own:
            names = union([renamed(own, self.rename)])
            if len(names) < len(own):
                raise ConfigError(
                    "Keypoints cannot be dropped, or become one",
                    received={name: self.rename[name] for name in own if name in self.rename},
                    where="rename",
                )
            setattr(self, POINT_NAMES, names)
        return own

    def __repr__(self) -> str:
        return f"RenamedClasses({self.dataset!r}, {self.rename})"

    def __len__(self) -> int:
        return len(self.dataset)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("dataset", "rename"):  # while it is unpickled
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def targets_of(self, index: int) -> Collection[str] | None:
        """The dataset's own."""
        return targets_of(self.dataset, index)

    def all_targets(self) -> list[frozenset[str]] | None:
        """The dataset's own."""
        return all_targets(self.dataset)

    def __getitem__(self, index: int) -> Sample:
        sample = read_sample(self.dataset, index)
        maps = {target: own for target, own in self._maps.items() if target in sample.targets}
        targets = with_known(mapped(sample.targets, maps), sample.targets, maps, "background")
        return replace(sample, targets=targets)


def with_renames(dataset: Dataset, rename: Renames | None) -> Any:
    """The dataset, with other names if there are any; see `RenamedClasses`."""
    return RenamedClasses(dataset, rename) if rename else dataset


def names_of(dataset: Dataset) -> set[str]:
    """The names of a dataset that can be renamed: of classes and of keypoints."""
    lists = (dataset_list(dataset, target) for target in CLASS_TARGETS)
    points: Sequence[str] = getattr(dataset, POINT_NAMES, None) or []
    return {name for own in lists for name in own or []} | set(points)
