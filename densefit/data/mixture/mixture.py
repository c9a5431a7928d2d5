"""Several datasets in one stream, in chosen shares, with one list of classes."""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

from densefit.data.annotated import all_targets, asked_once, in_sets, targets_of
from densefit.data.checks.sample import read_sample
from densefit.data.classes.class_lists import dataset_list, is_borrowed
from densefit.data.classes.class_map import (
    CLASS_TARGETS,
    OBJECTS,
    ClassMap,
    Renames,
    class_map,
    mapped,
    own_classes,
    renamed,
    union,
)
from densefit.data.classes.keypoint_matching import POINTS, common_points
from densefit.data.classes.known_classes import has_known, known_name, with_known
from densefit.data.geometry.target_kinds import declare_target
from densefit.data.mixture.checks import check_common, check_renames, check_shares
from densefit.data.mixture.renamed_targets import check_names, under_new_names
from densefit.data.mixture.sampler import MixtureOrder
from densefit.data.mixture.temperature import tempered
from densefit.data.sample import Dataset, Sample
from densefit.data.sample_id import sample_id
from densefit.data.targets_present import held_by
from densefit.errors import ConfigError, DataError
from densefit.once import first_time
from densefit.registry import nearest

_log = logging.getLogger("densefit")


class Mixture:
    """Several datasets as one, each under a name; a dataset for any loader.

    As a list it has every sample once, datasets sorted by name, ids `<name>/<id>`. A sample has
    the targets of its own dataset only; heads train nothing on samples without theirs. Nothing
    depends on the order in which the datasets are given.

    A Loader takes its epochs from it: `length` samples, of each dataset by its share. All samples
    of a dataset come equally often: in an epoch and over epochs, none comes again before all
    others have. With the natural shares and length each comes once an epoch, but for batches of
    one dataset, which are always whole: the length is then rounded up to whole batches. A share
    that is no whole number of samples (of batches, where these are of one dataset) is rounded up
    or down in each epoch, and what that leaves over is carried on: over any first epochs it is off
    by less than one. So is the smaller last batch of a loader that drops it (`last="drop"`): its
    epochs are whole batches, and what is left over comes in the next. Only where such a loader
    skips broken samples too, what it drops is lost: of each dataset by its share, in the mean.

    A dataset that has an order of its own, as a Mixture in a Mixture, keeps it: its samples come
    as they do in its epochs, one after the other, with its ratio; and its natural size is the
    length of its epoch.

    Args:
        datasets: name -> dataset.
        ratio: name -> share, e.g. {"voc": 2, "camvid": 1}; by default the sizes.
        temperature: shares by size^(1 / temperature): 1 is the sizes, infinite all alike.
        length: samples an epoch; as many as there are by default.
        batches: "mixed": samples of all datasets are spread over the epoch as evenly as they can
            be; batches have some of all where each share is a sample a batch or more (of 1000 and
            30 samples in batches of 8, most have none of the 30); "in_turn": every batch is of one
            dataset, and theirs alternate evenly; "at_random": the same in random order.
        classes: the common class names: one list, or target -> list; by default, for each target,
            all names in the order in which they come first. Targets that hold classes are `classes`
            (of boxes), `mask`, `label`, `labels`, and those of your own that are named here.
        targets: name of a dataset -> its target -> a new name, where the datasets call different
            things alike: {"rooms": {"mask": "room_mask"}}. The new one moves with its picture as
            the old one does, and its classes are a list of its own, `room_mask_classes`.
        rename: name of a dataset -> its class name -> the common one, or None to drop it.
        unknown: what happens to classes that the common list lacks: "refuse", or "drop": objects
            are left out, pixels become 255, and the picture's label -1.
        lacking: what a dataset tells of common classes that it does not have: "unknown", nothing:
            its samples say so by `known_classes`, `known_mask_classes` (of a target of your own
            `known_<target>_classes`), and by -1 in `labels`; or "background": that its pictures
            show none of them.

    Attributes:
        class_targets: names of the targets that hold classes, if a dataset has them.
        class_lists: target that holds classes -> their common names.
        classes, mask_classes, label_classes, labels_classes: the same; all but the first only if
            there are such targets.
        keypoint_names: of the first dataset, whose order all keypoints have; None if none has
            names, or two have others.
        parts: the range of indices of each dataset, by name.

    Raises:
        ConfigError: settings that contradict each other, an unknown name, a class that the common
            list lacks.
        DataError: a dataset is empty; when read: a number that is no class.
    """

    def __init__(
        self,
        datasets: Mapping[str, Dataset],
        *,
        ratio: Mapping[str, float] | None = None,
        temperature: float | None = None,
        length: int | None = None,
        batches: str = "mixed",
        classes: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
        targets: Mapping[str, Mapping[str, str]] | None = None,
        rename: Mapping[str, Renames] | None = None,
        unknown: str = "refuse",
        lacking: str = "unknown",
    ) -> None:
        self.datasets = {name: datasets[name] for name in sorted(datasets)}
        self.batches, self.length = batches, length
        check_shares(self.datasets, ratio, temperature, length, batches, unknown, lacking)
        self._sizes = [len(dataset) for dataset in self.datasets.values()]
        self._ends = list(accumulate(self._sizes))
        self._in_order = list(self.datasets)
        self.parts = {
            name: range(end - size, end)
            for name, size, end in zip(self.datasets, self._sizes, self._ends)
        }
        if ratio is not None:
            self._shares = [float(ratio[name]) for name in self.datasets]
        else:
            self._shares = tempered(self._natural(), temperature or 1.0)
        self._rename, self._unknown, self._lacking = dict(rename or {}), unknown, lacking
        self._names = {name: dict(own) for name, own in (targets or {}).items()}
        known = [*CLASS_TARGETS, *_by_target(classes)]
        news = [new for own in self._names.values() for old, new in own.items() if old in known]
        self.class_targets = tuple(dict.fromkeys([*known, *news]))
        self._is_united = False
        self._later: dict[str, list[str]] = {}  # targets that samples may have after all
        with asked_once():
            self._unite(classes)
        self._is_united = True

    def __repr__(self) -> str:
        inside = ", ".join(f"{name!r}: {one!r}" for name, one in self.datasets.items())
        total = sum(self._shares)
        shares = {name: share / total for name, share in zip(self.datasets, self._shares)}
        about = f"shares={shares}, length={self.length}, batches={self.batches!r}"
        changes = f", targets={self._names}" if self._names else ""
        changes += f", rename={self._rename}" if self._rename else ""
        # Without classes that it lacks, or as background, a mixture is what it always was.
        told = [own for (name, target), own in self._maps.items() if self._tells(name, target)]
        if self._lacking == "unknown" and not all(own.known().all() for own in told):
            changes += ", lacking='unknown'"
        return f"Mixture({{{inside}}}, {about}{changes}, unknown={self._unknown!r})"

    def __len__(self) -> int:
        return self._ends[-1]

    def id_of(self, index: int) -> str:
        """The dataset's name, and the sample's id in it."""
        name, place = self._find(index)
        return f"{name}/{sample_id(self.datasets[name], place)}"

    def targets_of(self, index: int) -> list[str] | None:
        """Names of a sample's targets, if its dataset says them."""
        name, place = self._find(index)
        own, names = targets_of(self.datasets[name], place), self._names.get(name, {})
        return None if own is None else [names.get(target, target) for target in own]

    def all_targets(self) -> list[frozenset[str]] | None:
        """Names of the targets of all samples, if all datasets say them; each is asked once."""
        found: list[frozenset[str]] = []
        for name, size in zip(self.datasets, self._sizes):
            own, names = all_targets(self.datasets[name]), self._names.get(name, {})
            if own is None or len(own) < size:
                return None
            common = {kind: frozenset(names.get(one, one) for one in kind) for kind in set(own)}
            found += map(common.__getitem__, own[:size])
        return in_sets(found)

    def __getitem__(self, index: int) -> Sample:
        name, place = self._find(index)
        sample = read_sample(self.datasets[name], place)
        names = self._names.get(name, {})
        targets = under_new_names(sample.targets, names)
        maps = {
            target: self._map(name, target) for target in self.class_targets if target in targets
        }
        targets = with_known(mapped(targets, maps), targets, maps, self._lacking)
        if name in self._points:
            targets = self._points[name](targets)
        return replace(sample, id=f"{name}/{sample.id}", targets=targets)

    def order(self, shuffle: bool, batch_size: int) -> MixtureOrder:
        """The epochs of a loader. One in which a dataset has no sample is told, once."""
        return self._order(shuffle, batch_size, drops=False, skips=False)

    def dropping_order(self, shuffle: bool, batch_size: int, skips: bool) -> MixtureOrder:
        """The epochs of a loader that drops a smaller last batch, so that no dataset loses by it.

        Args:
            shuffle: as in `order`.
            batch_size: the same.
            skips: whether broken samples are left out: how many batches they fill is not known.
        """
        return self._order(shuffle, batch_size, drops=True, skips=skips)

    def _order(self, shuffle: bool, batch_size: int, drops: bool, skips: bool) -> MixtureOrder:
        together = 1 if self.batches == "mixed" else batch_size
        length = together * -(-(self.length or sum(self._natural())) // together)
        rest = length % batch_size if drops and not skips and length > batch_size else 0
        length -= rest
        orders = {name: own.order(shuffle, together) for name, own in self._ordered().items()}
        order = MixtureOrder(
            *(list(self.datasets), self._sizes, self._shares, length),
            *(self.batches, batch_size, shuffle, orders),
            is_cut=rest > 0,
            is_turned=drops and skips and together == 1,
        )
        for name, mean in zip(self.datasets, order.expected):
            if mean < together and first_time("rare dataset", name, mean, length):
                _log.warning(
                    "the dataset %r has samples in about one of %.3g epochs only: its share of %d "
                    "samples is %.3g%s. A larger length, or a larger share (ratio, or a higher "
                    "temperature), gives it some in each (Mixture)",
                    *(name, together / mean, length, mean),
                    "" if together == 1 else f", and batches of {together} are of one dataset",
                )
        return order

    def _ordered(self) -> dict[str, Any]:
        """The datasets that have an order of their own."""
        return {name: own for name, own in self.datasets.items() if hasattr(own, "order")}

    def _natural(self) -> list[int]:
        """Samples of each dataset's own epoch."""
        ordered = self._ordered()
        return [
            len(ordered[name].order(True, 1)) if name in ordered else size
            for name, size in zip(self.datasets, self._sizes)
        ]

    def _find(self, index: int) -> tuple[str, int]:
        index = range(len(self))[index]
        number = bisect_right(self._ends, index)
        return self._in_order[number], index - self._ends[number] + self._sizes[number]

    def _unite(self, classes: Sequence[str] | Mapping[str, Sequence[str]] | None) -> None:
        """Set the common names, and how the numbers of each dataset's targets become theirs."""
        seen = {name: held_by(dataset) for name, dataset in self.datasets.items()}
        held = {name: set(own.names) for name, own in seen.items()}
        for name, names in self._names.items():
            if name not in self.datasets:
                raise ConfigError(
                    f"Targets of no dataset are renamed: {name!r}",
                    fix=nearest(name, self.datasets),
                )
            check_names(name, names, held[name], seen[name].are_all)
            held[name] = {names.get(target, target) for target in held[name]}
        own = {
            name: union([self._own_classes(name, t) for t in self.class_targets if t in held[name]])
            for name in self.datasets
        }
        check_renames(self._rename, own)
        everywhere = None if isinstance(classes, Mapping) else classes
        self.class_lists: dict[str, list[str]] = {}
        self._maps: dict[tuple[str, str], ClassMap] = {}
        for target in self.class_targets:
            holders = [name for name in self.datasets if target in held[name]]
            if holders:
                lists = [
                    renamed(self._own_classes(name, target), self._rename.get(name, {}))
                    for name in holders
                ]
                given = _by_target(classes).get(target, everywhere)
                self.class_lists[target] = list(union(lists) if given is None else given)
                check_common(self.class_lists[target], target)
                if has_known(target):
                    declare_target(known_name(target), "plain")
                self._maps.update({(name, target): self._map(name, target) for name in holders})
        self.keypoint_names, self._points = common_points(
            {name: one for name, one in self.datasets.items() if POINTS in held[name]},
            {
                name: one
                for name, one in self.datasets.items()
                if not seen[name].are_all and self._may_have(name, POINTS) - held[name]
            },
        )
        first = next(iter(self.class_lists.values()), [])
        self.classes = self.class_lists.get(
            OBJECTS, list(first if everywhere is None else everywhere)
        )
        if not self.classes:  # a target that comes later is numbered by these
            own_lists = {name: dataset_list(one, OBJECTS) for name, one in self.datasets.items()}
            self.classes = union(
                [renamed(one or [], self._rename.get(name, {})) for name, one in own_lists.items()]
            )
        for target in self.class_targets:
            later = union([self._declared(name, target) for name in self.datasets])
            if later and target not in self.class_lists:
                self._later[target] = list(_by_target(classes).get(target, everywhere or later))
        for target, united in {**self._later, **self.class_lists}.items():
            if target != OBJECTS:
                setattr(self, f"{target}_classes", united)

    def _map(self, name: str, target: str) -> ClassMap:
        """How a dataset's numbers of a target change."""
        known = self._maps.get((name, target))
        if known is not None:
            return known
        own, renames = self._own_name(name, target), self._rename.get(name, {})
        # Of one that no sample was seen to have: as heads match it, by its own names or `classes`.
        common = self.class_lists.get(target) or self._later.get(target) or self.classes
        try:
            return class_map(self.datasets[name], own, renames, common, self._unknown, name)
        except ConfigError as error:
            if not self._is_united:
                raise
            raise DataError(
                f"A sample has the target {target!r}, which none had of those that were looked at, "
                f"and with other classes: {error.what}",
                expected=f"some of {list(common)}",
                where=f"dataset {name!r}",
                fix=f"say that the dataset has it, by an attribute {own}_classes (its names) or a "
                f"method targets_of(index); or Mixture(classes={{{target!r}: [...]}})",
            ) from error

    def _declared(self, name: str, target: str) -> list[str | None]:
        """The common names of a target that a dataset has names for, and no sample was seen to."""
        dataset, own = self.datasets[name], self._own_name(name, target)
        names = None if is_borrowed(dataset, own) else dataset_list(dataset, own)
        return renamed(names or [], self._rename.get(name, {}))

    def _tells(self, name: str, target: str) -> bool:
        """Whether samples of a dataset may say of which classes they do not tell."""
        return has_known(target) or self._own_name(name, target) != "label"

    def _may_have(self, name: str, target: str) -> set[str]:
        """The target, unless the dataset's of that name is renamed and no other becomes it."""
        names = self._names.get(name, {})
        return {target} if target not in names or target in names.values() else set()

    def _own_name(self, name: str, target: str) -> str:
        """What a dataset itself calls a target."""
        own = {new: old for old, new in self._names.get(name, {}).items()}
        return own.get(target, target)

    def _own_classes(self, name: str, target: str) -> list[str]:
        return own_classes(self.datasets[name], self._own_name(name, target))


def _by_target(
    classes: Sequence[str] | Mapping[str, Sequence[str]] | None,
) -> Mapping[str, Sequence[str]]:
    return classes if isinstance(classes, Mapping) else {}
