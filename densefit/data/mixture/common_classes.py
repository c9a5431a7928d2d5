"""Common class names of the datasets of a mixture, and the maps from their own numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from densefit.data.classes.class_lists import (
    class_targets,
    dataset_list,
    is_from_classes,
    is_points,
)
from densefit.data.classes.class_map import (
    OBJECTS,
    ClassMap,
    Renames,
    class_map,
    own_classes,
    renamed,
    union,
)
from densefit.data.classes.keypoint_matching import POINTS, PointChange, common_points
from densefit.data.classes.known_classes import has_known, known_name
from densefit.data.geometry.target_kinds import declare_target
from densefit.data.mixture.box_names import with_members
from densefit.data.mixture.checks import check_common, check_renames
from densefit.data.mixture.renamed_targets import check_names
from densefit.data.sample import Dataset
from densefit.data.targets_present import targets_present
from densefit.errors import ConfigError, DataError
from densefit.registry import nearest

Classes = Sequence[str] | Mapping[str, Sequence[str]] | None


class CommonClasses:
    """Unites the classes of several datasets; see `Mixture` for the settings.

    Args:
        datasets: by name.
        classes: the common names: one list, or target -> list; None: the union.
        target_names: name of a dataset -> its target -> a new name.
        rename: name of a dataset -> its class name -> the common one, or None to drop it.
        unknown: "refuse" or "drop" classes that the common list lacks.

    Attributes:
        class_targets: names of the targets that hold classes, if a dataset has them.
        class_lists: target that holds classes -> their common names.
        late_lists: the same of targets that no probed sample has, and a later one may.
        classes: the names of `classes`, or those that a late target is numbered by.
        maps: (dataset, target) -> its map to the common numbers.
        target_names: dataset -> all its renamed targets -> their new names.
        keypoint_names: target of keypoints -> names in the common order; None if there is none.
        keypoint_changes: dataset -> how its keypoints get the common order.
    """

    def __init__(
        self,
        datasets: Mapping[str, Dataset],
        classes: Classes,
        target_names: Mapping[str, Mapping[str, str]],
        rename: Mapping[str, Renames],
        unknown: str,
    ) -> None:
        self._datasets, self._unknown = datasets, unknown
        self._stated_names, self._rename = target_names, rename
        self.target_names = {name: with_members(new) for name, new in target_names.items()}
        self._by_target = classes if isinstance(classes, Mapping) else {}
        self._everywhere = None if isinstance(classes, Mapping) else classes
        fixed = [*class_targets(*datasets.values()), *self._by_target]
        new_names = [
            new
            for names in self.target_names.values()
            for old, new in names.items()
            if old in fixed
        ]
        self.class_targets = tuple(dict.fromkeys([*fixed, *new_names]))
        self.class_lists: dict[str, list[str]] = {}
        self.late_lists: dict[str, list[str]] = {}
        self.maps: dict[tuple[str, str], ClassMap] = {}
        self._is_united = False
        present = self._present_targets()
        self._unite_present(present)
        self.classes = self._object_classes()
        self._unite_late()
        self._is_united = True

    def map(self, name: str, target: str) -> ClassMap:
        """The map of a dataset's target to the common numbers.

        Raises:
            DataError: a sample has a target that no probed one had, with other classes.
        """
        present = self.maps.get((name, target))
        if present is not None:
            return present
        original, renames = self._original_name(name, target), self._rename.get(name, {})
        # A late target is matched as heads match it, by its names or `classes`.
        common = self.class_lists.get(target) or self.late_lists.get(target) or self.classes
        try:
            return class_map(self._datasets[name], original, renames, common, self._unknown, name)
        except ConfigError as error:
            if not self._is_united:
                raise
            raise DataError(
                f"A sample has the target {target!r}, which none had of those that were looked at, "
                f"and with other classes: {error.what}",
                expected=f"some of {list(common)}",
                where=f"dataset {name!r}",
                fix=f"say that the dataset has it, by an attribute {original}_classes (its names) "
                f"or a method targets_of(index); or Mixture(classes={{{target!r}: [...]}})",
            ) from error

    def may_lack_classes(self) -> bool:
        """Whether samples of a dataset leave some of the common classes unannotated."""
        return not all(
            to_common.annotated().all()
            for (name, target), to_common in self.maps.items()
            if has_known(target) or self._original_name(name, target) != "label"
        )

    def _present_targets(self) -> dict[str, set[str]]:
        """New names of the targets that each dataset has, and the common order of keypoints."""
        probed = {name: targets_present(dataset) for name, dataset in self._datasets.items()}
        present = {name: set(targets.names) for name, targets in probed.items()}
        for name, names in self.target_names.items():
            if name not in self._datasets:
                raise ConfigError(
                    f"Targets of no dataset are renamed: {name!r}",
                    fix=nearest(name, self._datasets),
                )
            check_names(name, self._stated_names[name], present[name], probed[name].are_all)
            present[name] = {names.get(target, target) for target in present[name]}
        self._are_all = {name: targets.are_all for name, targets in probed.items()}
        return present

    def _unite_present(self, present: Mapping[str, set[str]]) -> None:
        """Set the common names and the maps of targets that datasets have."""
        names_of = {
            name: union(
                [
                    self._original_classes(name, target)
                    for target in self.class_targets
                    if target in present[name]
                ]
            )
            for name in self._datasets
        }
        check_renames(self._rename, names_of)
        for target in self.class_targets:
            holders = [name for name in self._datasets if target in present[name]]
            if holders:
                lists = [
                    renamed(self._original_classes(name, target), self._rename.get(name, {}))
                    for name in holders
                ]
                chosen = self._by_target.get(target, self._everywhere)
                self.class_lists[target] = list(union(lists) if chosen is None else chosen)
                check_common(self.class_lists[target], target)
                if has_known(target):
                    declare_target(known_name(target), "plain")
                self.maps.update({(name, target): self.map(name, target) for name in holders})
        self.keypoint_names: dict[str, list[str] | None] = {}
        self.keypoint_changes: dict[str, list[PointChange]] = {}
        every = {target for names in present.values() for target in names if is_points(target)}
        for target in sorted({POINTS, *every}):
            self._unite_points(target, present)

    def _unite_points(self, target: str, present: Mapping[str, set[str]]) -> None:
        """Set the common order of keypoints."""
        late = {
            name: data
            for name, data in self._datasets.items()
            if not self._are_all[name] and self._may_have(name, target) - present[name]
        }
        originals = {name: self._original_name(name, target) for name in self._datasets}
        self.keypoint_names[target], changes = common_points(
            {name: data for name, data in self._datasets.items() if target in present[name]},
            {name: data for name, data in late.items() if is_points(originals[name])},
            target,
            originals,
        )
        for name, change in changes.items():
            self.keypoint_changes.setdefault(name, []).append(change)

    def _object_classes(self) -> list[str]:
        """The names of `classes`, else those of the first target, else of the datasets."""
        first = next(iter(self.class_lists.values()), [])
        everywhere = self._everywhere
        classes = self.class_lists.get(OBJECTS, list(first if everywhere is None else everywhere))
        if classes:
            return classes
        lists = {name: dataset_list(data, OBJECTS) for name, data in self._datasets.items()}
        return union(
            [renamed(names or [], self._rename.get(name, {})) for name, names in lists.items()]
        )

    def _unite_late(self) -> None:
        """Set the common names of targets that no probed sample has."""
        for target in self.class_targets:
            names = union([self._declared(name, target) for name in self._datasets])
            if names and target not in self.class_lists:
                chosen = self._by_target.get(target, self._everywhere or names)
                self.late_lists[target] = list(chosen)

    def _declared(self, name: str, target: str) -> list[str | None]:
        """The common names of a target that a dataset names, whether samples have it or not."""
        dataset, original = self._datasets[name], self._original_name(name, target)
        names = None if is_from_classes(dataset, original) else dataset_list(dataset, original)
        return renamed(names or [], self._rename.get(name, {}))

    def _may_have(self, name: str, target: str) -> set[str]:
        """The target, unless the dataset's is renamed and no other takes its name."""
        names = self.target_names.get(name, {})
        return {target} if target not in names or target in names.values() else set()

    def _original_name(self, name: str, target: str) -> str:
        """The dataset's own name of a target."""
        originals = {new: old for old, new in self.target_names.get(name, {}).items()}
        return originals.get(target, target)

    def _original_classes(self, name: str, target: str) -> list[str]:
        return own_classes(self._datasets[name], self._original_name(name, target))
