"""Several datasets as one, sampled by shares, with common classes."""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, islice
from typing import Any

from densefit.data.annotated import all_targets, ask_once, in_sets, targets_of
from densefit.data.checks.sample import read_sample
from densefit.data.classes.class_map import OBJECTS, Renames, mapped
from densefit.data.classes.keypoint_matching import POINTS
from densefit.data.classes.known_classes import with_known
from densefit.data.mixture.checks import check_shares
from densefit.data.mixture.common_classes import Classes, CommonClasses
from densefit.data.mixture.renamed_targets import under_new_names
from densefit.data.mixture.sampler import MixtureOrder
from densefit.data.mixture.temperature import tempered
from densefit.data.mixture.validation import AnyLoader, validation_loaders
from densefit.data.sample import Dataset, Sample
from densefit.data.sample_id import sample_id
from densefit.data.wrapped import classes_attribute, points_attribute
from densefit.once import first_time

_log = logging.getLogger("densefit")


class Mixture:
    """Several named datasets as one dataset, for any loader.

    As a sequence it holds every sample once, datasets sorted by name, ids `<name>/<id>`. A sample
    has the targets of its dataset only; heads do not train on samples without their targets. The
    order of `datasets` does not matter.

    A Loader draws epochs of `length` samples, each dataset by its share. All samples of a dataset
    are drawn equally often: none is repeated before all others were drawn, also across epochs.
    With the default shares and length every sample is drawn once per epoch; if batches hold one
    dataset each, the length is rounded up to whole batches. A fractional share (of samples, or of
    batches of one dataset) is rounded up or down in each epoch, and the remainder is carried over:
    after any number of epochs the total is off by less than one. A loader with `last="drop"` has
    epochs of whole batches, and the remaining samples move to the next epoch. Dropped samples are
    lost only if the loader also skips broken samples: of each dataset by its share, on average.

    A dataset with its own order, such as a nested Mixture, keeps it, and its ratio; its default
    share is the length of its epoch.

    Args:
        datasets: name -> dataset.
        ratio: name -> share, e.g. {"voc": 2, "camvid": 1}; by default the sizes.
        temperature: shares by size^(1 / temperature): 1 for the sizes, infinite for equal shares.
        length: samples per epoch; default: the number of samples.
        batches: "mixed": spread the samples of all datasets over the epoch as evenly as possible;
            a batch holds samples of a dataset if its share is at least one sample per batch (with
            1000 and 30 samples in batches of 8, most batches hold none of the 30); "in_turn": each
            batch holds one dataset, alternating evenly; "at_random": the same in random order.
        classes: the common class names: one list, or target -> list; default: for each target, the
            union in the order of first occurrence. Targets that hold classes are `classes`
            (of boxes), `mask`, `label`, `labels`, and custom targets that are named here.
        targets: name of a dataset -> its target -> a new name, if datasets use one name for
            different targets: {"rooms": {"mask": "room_mask"}}. The new target is transformed like
            the old one, and has its own class list, `room_mask_classes`. What belongs to boxes
            goes with them: {"boxes": "room_boxes"} makes `room_classes`, `room_crowd`, ...
        rename: name of a dataset -> its class name -> the common name, or None to drop the class.
        unknown: how to treat classes that the common list lacks: "refuse", or "drop": objects are
            removed, pixels become 255, and the image's label -1.
        lacking: how to treat common classes that a dataset does not have: "unknown": its samples
            mark them as not annotated, by `known_classes`, `known_mask_classes` (of a custom target
            `known_<target>_classes`), and by -1 in `labels`; or "background": they are absent from
            its images.

    Attributes:
        class_targets: names of the targets that hold classes, if a dataset has them.
        class_lists: target that holds classes -> their common names.
        classes, mask_classes, label_classes, labels_classes: the common names of one target each;
            all but `classes` exist only if a dataset has the target.
        keypoint_names: keypoint names in the common order, the first dataset's; None if no dataset
            has names, or if two differ.
        parts: the range of indices of each dataset, by name.

    Raises:
        ConfigError: settings that contradict each other, an unknown name, a class that the common
            list lacks.
        DataError: a dataset is empty; on reading: a class index is out of range.
    """

    def __init__(
        self,
        datasets: Mapping[str, Dataset],
        *,
        ratio: Mapping[str, float] | None = None,
        temperature: float | None = None,
        length: int | None = None,
        batches: str = "mixed",
        classes: Classes = None,
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
        self._is_by_size = ratio is None and temperature is None
        if ratio is not None:
            self._shares = [float(ratio[name]) for name in self.datasets]
        else:
            self._shares = tempered(self._natural(), temperature or 1.0)
        self._rename, self._unknown, self._lacking = dict(rename or {}), unknown, lacking
        self._names = {name: dict(names) for name, names in (targets or {}).items()}
        with ask_once():
            common = CommonClasses(self.datasets, classes, self._names, self._rename, unknown)
        self._common = common
        self.class_targets, self.class_lists = common.class_targets, common.class_lists
        self.classes, self.keypoint_names = common.classes, common.keypoint_names[POINTS]
        for target, names in {**common.late_lists, **common.class_lists}.items():
            if target != OBJECTS:
                setattr(self, classes_attribute(target), names)
        for target, points in common.keypoint_names.items():
            if target != POINTS:
                setattr(self, points_attribute(target), points)

    def __repr__(self) -> str:
        datasets = ", ".join(f"{name!r}: {dataset!r}" for name, dataset in self.datasets.items())
        total = sum(self._shares)
        shares = {name: share / total for name, share in zip(self.datasets, self._shares)}
        about = f"shares={shares}, length={self.length}, batches={self.batches!r}"
        changes = f", targets={self._names}" if self._names else ""
        changes += f", rename={self._rename}" if self._rename else ""
        # The repr is in checkpoints: it names the setting only where it changes a sample.
        if self._lacking == "unknown" and self._common.may_lack_classes():
            changes += ", lacking='unknown'"
        return f"Mixture({{{datasets}}}, {about}{changes}, unknown={self._unknown!r})"

    def __len__(self) -> int:
        return self._ends[-1]

    def id_of(self, index: int) -> str:
        """`<dataset>/<id>` of a sample."""
        name, sample_index = self._find(index)
        return f"{name}/{sample_id(self.datasets[name], sample_index)}"

    def targets_of(self, index: int) -> list[str] | None:
        """Names of a sample's targets; None if its dataset does not declare them."""
        name, sample_index = self._find(index)
        targets, names = targets_of(self.datasets[name], sample_index), self.new_names(name)
        return None if targets is None else [names.get(target, target) for target in targets]

    def all_targets(self) -> list[frozenset[str]] | None:
        """Names of the targets of all samples; None unless all datasets declare them."""
        target_sets: list[frozenset[str]] = []
        for name, size in zip(self.datasets, self._sizes):
            sets, names = all_targets(self.datasets[name]), self.new_names(name)
            if sets is None or len(sets) < size:
                return None
            common = {
                kind: frozenset(names.get(target, target) for target in kind) for kind in set(sets)
            }
            target_sets += map(common.__getitem__, islice(sets, size))
        return in_sets(target_sets)

    def __getitem__(self, index: int) -> Sample:
        name, sample_index = self._find(index)
        sample = read_sample(self.datasets[name], sample_index)
        names = self.new_names(name)
        targets = under_new_names(sample.targets, names)
        maps = {
            target: self._common.map(name, target)
            for target in self.class_targets
            if target in targets
        }
        targets = with_known(mapped(targets, maps), targets, maps, self._lacking)
        for change in self._common.keypoint_changes.get(name, ()):
            targets = change(targets)
        return replace(sample, id=f"{name}/{sample.id}", targets=targets)

    def order(self, shuffle: bool, batch_size: int) -> MixtureOrder:
        """Order of a loader's epochs. Warns once if a dataset has no sample in some epochs."""
        return self._order(shuffle, batch_size, drops=False, skips=False)

    def dropping_order(self, shuffle: bool, batch_size: int, skips: bool) -> MixtureOrder:
        """Order of a loader that drops the incomplete last batch, without losing samples.

        Args:
            shuffle: as in `order`.
            batch_size: as in `order`.
            skips: whether broken samples are skipped, so that the number of batches is unknown.
        """
        return self._order(shuffle, batch_size, drops=True, skips=skips)

    def _order(self, shuffle: bool, batch_size: int, drops: bool, skips: bool) -> MixtureOrder:
        together = 1 if self.batches == "mixed" else batch_size
        length = together * -(-(self.length or sum(self._natural())) // together)
        rest = length % batch_size if drops and not skips and length > batch_size else 0
        length -= rest
        orders = {
            name: dataset.order(shuffle, together) for name, dataset in self._ordered().items()
        }
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
        if self._is_by_size and self.batches == "mixed" and len(self.datasets) > 1:
            self._hint_at_shares(order.expected, batch_size)
        return order

    def _hint_at_shares(self, expected: Sequence[float], batch_size: int) -> None:
        """Say which datasets most batches have no sample of, unless shares were chosen."""
        length = sum(expected)
        softened = tempered(self._natural(), 2.0)
        for name, mean, share in zip(self.datasets, expected, softened):
            starves = 1 <= mean and mean * batch_size < length / 2
            if starves and first_time("small share", name, mean, length):
                _log.warning(
                    "the dataset %r is %.3g of the %d samples of an epoch (%.1f %%), by its size: "
                    "most batches of %d have none of it. temperature=2 makes it %.1f %%, and ratio "
                    "sets any share; temperature=1 leaves it so (Mixture)",
                    *(name, mean, length, 100 * mean / length, batch_size),
                    100 * share / sum(softened),
                )

    def _ordered(self) -> dict[str, Any]:
        """Datasets with an order of their own."""
        return {
            name: dataset for name, dataset in self.datasets.items() if hasattr(dataset, "order")
        }

    def _natural(self) -> list[int]:
        """Samples per epoch of each dataset on its own."""
        ordered = self._ordered()
        return [
            len(ordered[name].order(True, 1)) if name in ordered else size
            for name, size in zip(self.datasets, self._sizes)
        ]

    @property
    def settings(self) -> dict[str, Any]:
        """`targets`, `rename`, `unknown` and `lacking`, as they were stated."""
        changes = {"targets": self._names, "rename": self._rename}
        return {**changes, "unknown": self._unknown, "lacking": self._lacking}

    def validation(self, loaders: Mapping[str, AnyLoader]) -> dict[str, AnyLoader]:
        """Loaders of validation data, for `fit(validation=...)` and `df.score`.

        Targets and classes get the names and indices that they have in the mixture. Every dataset
        is scored by itself, as `<dataset>/<head>/<number>`.

        >>> validation = mixture.validation({"bccd": loader, "camvid": more})  # doctest: +SKIP

        Args:
            loaders: name of a dataset of the mixture -> loader of its validation data; all, or
                some.

        Raises:
            ConfigError: a name that is not in the mixture, or a class that the mixture lacks.
        """
        return validation_loaders(self, loaders)

    def new_names(self, dataset: str) -> Mapping[str, str]:
        """The dataset's own name of each renamed target -> its name here."""
        return self._common.target_names.get(dataset, {})

    def _find(self, index: int) -> tuple[str, int]:
        index = range(len(self))[index]
        number = bisect_right(self._ends, index)
        return self._in_order[number], index - self._ends[number] + self._sizes[number]
