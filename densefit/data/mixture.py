"""Several datasets in one stream, in chosen shares, with one list of classes."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate

from densefit.data.class_map import (
    CLASS_TARGETS,
    IGNORE,
    OBJECTS,
    UNKNOWNS,
    ClassMap,
    Renames,
    class_map,
    mapped,
    own_classes,
    renamed,
    union,
)
from densefit.data.known_classes import LACKINGS, TOLD, with_known
from densefit.data.labelled import targets_in
from densefit.data.mixture_order import BATCHES, MixtureOrder, apportioned
from densefit.data.sample import Dataset, Sample
from densefit.data.target import KINDS
from densefit.errors import ConfigError, DataError
from densefit.registry import nearest


class Mixture:
    """Several datasets as one, each under a name; a dataset for any loader.

    As a list it has every sample once, datasets sorted by name, ids `<name>/<id>`. A sample has
    the targets of its own dataset only; heads train nothing on samples without theirs. Nothing
    depends on the order in which the datasets are given.

    A Loader takes its epochs from it: `length` samples, of each dataset by its share. All samples
    of a dataset come equally often: in an epoch and over epochs, none comes again before all
    others have. With the natural shares and length each comes once an epoch, but for batches of
    one dataset, which are always whole: the length is then rounded up to whole batches.

    Args:
        datasets: name -> dataset.
        ratio: name -> share, e.g. {"voc": 2, "camvid": 1}; by default the sizes.
        temperature: shares by size^(1 / temperature): 1 is the sizes, infinite all alike.
        length: samples an epoch; as many as there are by default.
        batches: "mixed": every batch has samples of all datasets, as evenly as it can be;
            "in_turn": every batch is of one dataset, and theirs alternate evenly; "at_random":
            the same in random order.
        classes: the common class names: one list, or target -> list; by default, for each target,
            all names in the order in which they come first. Targets that hold classes are `classes`
            (of boxes), `mask`, `label`, `labels`, and those of your own that are named here.
        rename: name of a dataset -> its class name -> the common one, or None to drop it.
        unknown: what happens to classes that the common list lacks: "refuse", or "drop": objects
            are left out, pixels become 255, and the picture's label -1.
        lacking: what a dataset tells of common classes that it does not have: "unknown", nothing:
            its samples say so by `known_classes` and `known_mask_classes`, and by -1 in `labels`;
            or "background": that its pictures show none of them.

    Attributes:
        classes, mask_classes, label_classes, labels_classes: common names; all but the first only
            if there are such targets.
        parts: the range of indices of each dataset, by name.

    Raises:
        ConfigError: settings that contradict each other, an unknown name, a class that the common
            list lacks, or a share so small that a dataset has no sample in an epoch.
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
        rename: Mapping[str, Renames] | None = None,
        unknown: str = "refuse",
        lacking: str = "unknown",
    ) -> None:
        self.datasets = {name: datasets[name] for name in sorted(datasets)}
        self.batches, self.length = batches, length
        _check(self.datasets, ratio, temperature, length, batches, unknown, lacking)
        self._sizes = [len(dataset) for dataset in self.datasets.values()]
        self._ends = list(accumulate(self._sizes))
        self.parts = {
            name: range(end - size, end)
            for name, size, end in zip(self.datasets, self._sizes, self._ends)
        }
        if ratio is not None:
            self._shares = [float(ratio[name]) for name in self.datasets]
        else:
            self._shares = [size ** (1.0 / (temperature or 1.0)) for size in self._sizes]
        self._rename, self._unknown, self._lacking = dict(rename or {}), unknown, lacking
        self._known = tuple(dict.fromkeys([*CLASS_TARGETS, *_by_target(classes)]))
        self._unite(classes)

    def __repr__(self) -> str:
        inside = ", ".join(f"{name!r}: {one!r}" for name, one in self.datasets.items())
        total = sum(self._shares)
        shares = {name: share / total for name, share in zip(self.datasets, self._shares)}
        about = f"shares={shares}, length={self.length}, batches={self.batches!r}"
        changes = f", rename={self._rename}" if self._rename else ""
        # Without classes that it lacks, or as background, a mixture is what it always was.
        told = [own for (_, target), own in self._maps.items() if target in TOLD]
        if self._lacking == "unknown" and not all(own.known().all() for own in told):
            changes += ", lacking='unknown'"
        return f"Mixture({{{inside}}}, {about}{changes}, unknown={self._unknown!r})"

    def __len__(self) -> int:
        return self._ends[-1]

    def id_of(self, index: int) -> str:
        """The dataset's name, and the sample's id in it."""
        name, place = self._find(index)
        return f"{name}/{self.datasets[name].id_of(place)}"

    def __getitem__(self, index: int) -> Sample:
        name, place = self._find(index)
        sample = self.datasets[name][place]
        maps = {
            target: self._map(name, target) for target in self._known if target in sample.targets
        }
        targets = mapped(sample.targets, maps)
        targets = with_known(targets, sample.targets, maps, self._lacking)
        return replace(sample, id=f"{name}/{sample.id}", targets=targets)

    def order(self, shuffle: bool, batch_size: int) -> MixtureOrder:
        """The epochs of a loader.

        Raises:
            ConfigError: a dataset has no sample in an epoch.
        """
        together = 1 if self.batches == "mixed" else batch_size
        total = -(-(self.length or len(self)) // together)
        counts = [together * count for count in apportioned(total, self._shares)]
        for name, count in zip(self.datasets, counts):
            if count == 0:
                raise ConfigError(
                    f"The dataset {name!r} has no sample in an epoch",
                    received=f"{total * together} samples an epoch, of which "
                    f"{dict(zip(self.datasets, counts))}",
                    where="Mixture",
                    fix="a larger length, a larger share (ratio, or a higher temperature), or "
                    "batches='mixed'",
                )
        names = list(self.datasets)
        return MixtureOrder(names, self._sizes, counts, self.batches, batch_size, shuffle)

    def _find(self, index: int) -> tuple[str, int]:
        index = range(len(self))[index]
        number = bisect_right(self._ends, index)
        return list(self.datasets)[number], index - self._ends[number] + self._sizes[number]

    def _unite(self, classes: Sequence[str] | Mapping[str, Sequence[str]] | None) -> None:
        """Set the common names, and how the numbers of each dataset's targets become theirs."""
        held = {name: targets_in(dataset) for name, dataset in self.datasets.items()}
        _check_renames(self.datasets, self._rename, held, self._known)
        everywhere = None if isinstance(classes, Mapping) else classes
        self._common: dict[str, list[str]] = {}
        self._maps: dict[tuple[str, str], ClassMap] = {}
        for target in self._known:
            holders = [name for name in self.datasets if target in held[name]]
            if holders:
                lists = [
                    renamed(own_classes(self.datasets[name], target), self._rename.get(name, {}))
                    for name in holders
                ]
                given = _by_target(classes).get(target, everywhere)
                self._common[target] = list(union(lists) if given is None else given)
                _check_common(self._common[target], target)
                self._maps.update({(name, target): self._map(name, target) for name in holders})
        first = next(iter(self._common.values()), [])
        self.classes = self._common.get(OBJECTS, list(first if everywhere is None else everywhere))
        for target, names in self._common.items():
            if target != OBJECTS:
                setattr(self, f"{target}_classes", names)

    def _map(self, name: str, target: str) -> ClassMap:
        """How a dataset's numbers of a target change."""
        known = self._maps.get((name, target))
        if known is not None:
            return known
        if target not in self._common:
            raise DataError(
                f"A sample has the target {target!r}, which none had of those that were looked at",
                expected="targets that one of 8 samples, spread over each dataset, has",
                where=f"dataset {name!r}",
                fix="sort the samples, or mix a dataset of those that have it",
            )
        dataset, renames = self.datasets[name], self._rename.get(name, {})
        return class_map(dataset, target, renames, self._common[target], self._unknown, name)


def _by_target(
    classes: Sequence[str] | Mapping[str, Sequence[str]] | None,
) -> Mapping[str, Sequence[str]]:
    return classes if isinstance(classes, Mapping) else {}


def _check(
    datasets: Mapping[str, Dataset],
    ratio: Mapping[str, float] | None,
    temperature: float | None,
    length: int | None,
    batches: str,
    unknown: str,
    lacking: str,
) -> None:
    if not datasets or any(not name or "/" in name for name in datasets):
        raise ConfigError(
            "A mixture needs datasets, each under a name without '/'", received=list(datasets)
        )
    for name, dataset in datasets.items():
        if len(dataset) == 0:
            raise DataError(f"The dataset {name!r} is empty", where=repr(dataset))
    if ratio is not None and temperature is not None:
        raise ConfigError("Shares are by ratio or by temperature, not by both")
    for name in ratio or ():
        if name not in datasets:
            raise ConfigError(f"A ratio of no dataset: {name!r}", fix=nearest(name, datasets))
    if ratio is not None and set(ratio) != set(datasets):
        raise ConfigError(
            "A ratio has a share of each dataset",
            expected=sorted(datasets),
            received=dict(ratio),
            fix="leave a dataset out of the mixture to leave it out of training",
        )
    for setting, value, fits, expected in (
        *((f"ratio of {n!r}", v, 0 < v < math.inf, "above 0") for n, v in (ratio or {}).items()),
        ("temperature", temperature, temperature is None or temperature > 0, "above 0"),
        ("length", length, length is None or length >= 1, "at least 1"),
        ("batches", batches, batches in BATCHES, " or ".join(BATCHES)),
        ("unknown", unknown, unknown in UNKNOWNS, " or ".join(UNKNOWNS)),
        ("lacking", lacking, lacking in LACKINGS, " or ".join(LACKINGS)),
    ):
        if not fits:
            raise ConfigError(
                f"The setting {setting} of a mixture is out of range",
                expected=expected,
                received=repr(value),
            )


def _check_renames(
    datasets: Mapping[str, Dataset],
    rename: Mapping[str, Renames],
    held: Mapping[str, set[str]],
    known: Sequence[str],
) -> None:
    for name, renames in rename.items():
        if name not in datasets:
            raise ConfigError(
                f"Classes of no dataset are renamed: {name!r}", fix=nearest(name, datasets)
            )
        own = union([own_classes(datasets[name], t) for t in known if t in held[name]])
        for old in renames:
            if old not in own:
                raise ConfigError(
                    f"The dataset {name!r} has no class {old!r} to rename",
                    where="Mixture(rename=...)",
                    fix=nearest(old, own),
                )


def _check_common(common: Sequence[str], target: str) -> None:
    of_bytes = target in KINDS and KINDS[target].name == "map"
    if not common or len(set(common)) < len(common) or (of_bytes and len(common) > IGNORE):
        raise ConfigError(
            f"The common classes of the target {target!r} must be different names",
            expected=f"1 to {IGNORE} names" if of_bytes else "one or more names",
            received=f"{len(common)}: {list(common)}",
            where="Mixture(classes=...)",
        )
