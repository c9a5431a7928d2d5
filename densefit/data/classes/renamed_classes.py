"""Rename, merge or drop the classes of a dataset."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from densefit.data.annotated import all_targets, targets_of
from densefit.data.checks.sample import read_sample
from densefit.data.classes.class_lists import class_targets, dataset_list, is_from_classes
from densefit.data.classes.class_map import (
    OBJECTS,
    ClassMap,
    Renames,
    class_map,
    mapped,
    renamed,
    union,
)
from densefit.data.classes.keypoint_matching import POINTS
from densefit.data.classes.known_classes import with_known
from densefit.data.geometry.target_kinds import KINDS
from densefit.data.sample import Dataset, Sample
from densefit.data.wrapped import attribute_of, classes_attribute, points_attribute
from densefit.errors import ConfigError
from densefit.registry import nearest


class RenamedClasses:
    """Wrap a dataset and rename its classes; other attributes pass through.

    Args:
        dataset: dataset to wrap.
        rename: class or keypoint name -> new name, or None to drop the class: objects are left
            out, pixels become 255, and the image's label -1. Classes with the same new name are
            merged.

    Raises:
        ConfigError: the dataset has no such class, no class would be left, or keypoints would be
            dropped or merged.
    """

    def __init__(self, dataset: Dataset, rename: Renames) -> None:
        self.dataset, self.rename = dataset, dict(rename)
        self._maps: dict[str, ClassMap] = {}
        all_names: set[str] = set()
        for target in class_targets(dataset):
            old_names = dataset_list(dataset, target)
            if old_names is None:
                continue
            all_names.update(old_names)
            names = union([renamed(old_names, self.rename)])
            if not names:
                raise ConfigError("No class would be left", received=self.rename, where="rename")
            if not all_names.isdisjoint(self.rename):
                self._maps[target] = class_map(
                    dataset, target, self.rename, names, "refuse", "renamed"
                )
            if target == OBJECTS or not is_from_classes(dataset, target):
                setattr(self, classes_attribute(target), names)
        for attribute in _point_attributes(dataset):
            all_names.update(self._points(dataset, attribute))
        if not getattr(dataset, "masks", True):  # only masks have this class
            all_names.discard("background")
        for old in self.rename:
            if old not in all_names:
                raise ConfigError(
                    f"The dataset has no class {old!r} to rename",
                    where="rename",
                    fix=nearest(old, all_names),
                )

    def _points(self, dataset: Any, attribute: str) -> Sequence[str]:
        old_names: Sequence[str] = attribute_of(dataset, attribute) or []
        if old_names:
            names = union([renamed(old_names, self.rename)])
            if len(names) < len(old_names):
                raise ConfigError(
                    "Keypoints cannot be dropped, or become one",
                    received={name: self.rename[name] for name in old_names if name in self.rename},
                    where="rename",
                )
            setattr(self, attribute, names)
        return old_names

    def __repr__(self) -> str:
        return f"RenamedClasses({self.dataset!r}, {self.rename})"

    def __len__(self) -> int:
        return len(self.dataset)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("dataset", "rename"):  # while unpickling
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def targets_of(self, index: int) -> Collection[str] | None:
        """Target names of a sample; see `densefit.data.annotated.targets_of`."""
        return targets_of(self.dataset, index)

    def all_targets(self) -> Sequence[frozenset[str]] | None:
        """Target names of all samples; see `densefit.data.annotated.all_targets`."""
        return all_targets(self.dataset)

    @property
    def annotations_of(self) -> Callable[..., dict[str, np.ndarray]]:
        """Method that returns the targets of the annotations, if the dataset has one."""
        read = self.dataset.annotations_of  # type: ignore[attr-defined]

        def renamed_targets(
            index: int, size: tuple[int, int] | None = None
        ) -> dict[str, np.ndarray]:
            targets = read(index, size)
            return mapped(targets, self._maps_of(targets))

        return renamed_targets

    def __getitem__(self, index: int) -> Sample:
        sample = read_sample(self.dataset, index)
        maps = self._maps_of(sample.targets)
        targets = with_known(mapped(sample.targets, maps), sample.targets, maps, "background")
        return replace(sample, targets=targets)

    def _maps_of(self, targets: Mapping[str, Any]) -> dict[str, ClassMap]:
        return {name: class_map for name, class_map in self._maps.items() if name in targets}


def with_renames(dataset: Dataset, rename: Renames | None) -> Any:
    """Wrap a dataset in `RenamedClasses` if there is anything to rename."""
    return RenamedClasses(dataset, rename) if rename else dataset


def names_of(dataset: Dataset) -> set[str]:
    """Class and keypoint names of a dataset, which can be renamed."""
    lists = [dataset_list(dataset, target) for target in class_targets(dataset)]
    lists += [getattr(dataset, name, None) for name in _point_attributes(dataset)]
    return {name for names in lists for name in names or []}


def _point_attributes(dataset: Any) -> list[str]:
    """Attributes of the dataset that name keypoints."""
    names = {points_attribute(name) for name, kind in KINDS.items() if kind.name == POINTS}
    return sorted(name for name in names if attribute_of(dataset, name) is not None)
