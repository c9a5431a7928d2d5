"""What a worker does for one sample: read, transform, encode."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from densefit.data.checks.dropped_boxes import BoxRemark
from densefit.data.checks.sample import read_sample
from densefit.data.classes.class_occurrence import ClassOccurrence, classes_in
from densefit.data.classes.target_mapping import TargetMapping
from densefit.data.geometry.target_kinds import KINDS, Kind
from densefit.data.io.image import planes
from densefit.data.loader.label_encoder import (
    Encoder,
    labelled,
    labelled_terms,
    terms_of,
    trained_terms,
    trains,
)
from densefit.data.loader.object_counts import (
    ANNOTATED,
    CROWDS,
    LEFT,
    CountedDraw,
    boxes_in,
    positives_of,
)
from densefit.data.loader.skip_limit import IN_A_ROW
from densefit.data.sample import Dataset, Geometry, Sample
from densefit.data.sample_id import dataset_name, sample_id
from densefit.data.sampler import place_of, sample_rng
from densefit.data.transforms.extra_samples import apply_transform, draw_from
from densefit.data.workers.errors import LostWorkerError, with_sample_id
from densefit.errors import DataError

SampleTransform = Callable[..., Sample]  # (sample, rng), or (sample, rng, draw)


@dataclass
class ProcessedSample:
    """One finished sample.

    Attributes:
        index: its place in the dataset.
        id: its name.
        data: (3, H, W) uint8.
        labels: what each head's `encode` gave, by head name, or what stands in for it.
        labelled: whether the sample trains a head, by head name, and by `<head>/<term>`.
        original: targets before any transform; None if nobody wants them.
        geometry: where the original lies in the input.
        counts: of objects, see `densefit.data.loader.object_counts`; empty where no head learns
            objects.
        remarks: on boxes that were left out or cut.
        occurring: head -> what of each target's classes the sample has (see
            `ClassOccurrence`), if that is counted.
    """

    index: int
    id: str
    data: np.ndarray
    labels: dict[str, Mapping[str, Any]]
    labelled: dict[str, bool]
    original: dict[str, np.ndarray] | None
    geometry: Geometry
    counts: dict[str, int] = field(default_factory=dict)
    remarks: tuple[BoxRemark, ...] = ()
    occurring: dict[str, dict[str, np.ndarray]] | None = None


@dataclass(frozen=True)
class SampleTask:
    """Makes samples of one epoch; called by several threads at once.

    `stand_ins` are labels, by head, for samples that have none. With `originals`, samples carry
    their targets as they were before any transform. With `skips`, a broken sample that a transform
    draws is replaced by another one. `matches` are changes, by head, of the dataset's class
    numbers. With a `tally`, samples carry which of the heads' classes they have, until it has all.
    """

    dataset: Dataset
    transform: SampleTransform | None
    heads: Sequence[Encoder]
    seed: int
    epoch: int
    stand_ins: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    originals: bool = True
    skips: bool = False
    matches: Mapping[str, TargetMapping] = field(default_factory=dict)
    tally: ClassOccurrence | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process, with how targets move, which was declared in this one."""
        return _with_kinds, (dict(KINDS), *(getattr(self, one.name) for one in fields(self)))

    def __call__(self, visit: int) -> ProcessedSample:
        """The sample of a visit: at that index, or beyond the dataset's length if it comes again.

        Raises:
            DataError: anything that went wrong, with the sample's id, chained from its cause.
        """
        index = place_of(visit, len(self.dataset))
        stage = "Reading"
        remarks: list[BoxRemark] = []
        try:
            sample = read_sample(self.dataset, index, remarks)
            original = None
            annotated, crowds = boxes_in(sample.targets)
            if self.originals:
                original = {name: np.array(value) for name, value in sample.targets.items()}
                sample = replace(sample, original=original)
            if self.transform is not None:
                stage = "The transform"
                rng = sample_rng(self.seed, self.epoch, visit)
                draw = CountedDraw(draw_from(self.dataset, index, rng, self.skips, remarks))
                sample = apply_transform(self.transform, sample, rng, draw)
                annotated += draw.boxes
            checked_image(sample)
            labels: dict[str, Mapping[str, Any]] = {}
            has: dict[str, bool] = {}
            occurring: dict[str, dict[str, np.ndarray]] = {}
            counts: dict[str, int] = {}
            for head in self.heads:
                stage = f"Encoding for head {head.name!r}"
                match = self.matches.get(head.name)
                seen = sample if match is None else replace(sample, targets=match(sample.targets))
                labels[head.name], own = self._encoded(head, seen)
                has.update(own)
                if self.tally is not None and not self.tally.is_complete(head.name):
                    occurring[head.name] = classes_in(seen.targets, head)
                    self.tally.take({head.name: occurring[head.name]})
                if own[head.name]:
                    counts.update(positives_of(head, seen, labels[head.name]))
            if counts:
                left, _ = boxes_in(sample.targets)
                counts.update({ANNOTATED: annotated, LEFT: left, CROWDS: crowds})
        except Exception as error:
            raise with_sample_id(error, stage, sample_id(self.dataset, index)) from error
        geometry = sample.geometry or Geometry.identity(*sample.image.shape[:2])
        data = planes(sample.image)
        made = (index, sample.id, data, labels, has, original, geometry)
        told = occurring if self.tally is not None else None
        return ProcessedSample(*made, counts, tuple(remarks), told)

    def _encoded(self, head: Encoder, sample: Sample) -> tuple[Mapping[str, Any], dict[str, bool]]:
        """The labels of a sample for a head, and whether it trains the head and its terms."""
        name = head.name
        if not labelled(head, sample):
            none = {f"{name}/{term}": False for term in terms_of(head)}
            return self.stand_ins[name], {name: False, **none}
        labels = head.encode(sample)
        terms = trained_terms(head, sample, labels)
        if not terms:
            return labels, {name: trains(head, labels)}
        if not all(labelled_terms(head, sample).values()):
            labels = {**self.stand_ins[name], **labels}
        own = {f"{name}/{term}": trained for term, trained in terms.items()}
        return labels, {name: any(terms.values()), **own}


def first_of(work: SampleTask, attempts: int) -> ProcessedSample:
    """The first sample that can be made, of so many. Raises the first one's DataError."""
    first: DataError | None = None
    for index in range(min(attempts, len(work.dataset))):
        try:
            return work(index)
        except DataError as error:
            first = first or error
            if isinstance(error, LostWorkerError):
                raise
    raise first or DataError("The dataset is empty", where=dataset_name(work.dataset))


def input_size(work: SampleTask) -> tuple[int, int]:
    """(height, width) that the transform says, or else that of the first sample."""
    size = getattr(work.transform, "output_size", None)
    if size is not None:
        return int(size[0]), int(size[1])
    first = first_of(work, IN_A_ROW if work.skips else 1)
    return first.data.shape[1], first.data.shape[2]


def first_transformed(work: SampleTask, visits: Sequence[int], count: int) -> list[Sample]:
    """The first samples of an epoch behind the transforms, without broken ones; see `Loader`."""
    samples: list[Sample] = []
    for visit in visits:
        if len(samples) == count:
            break
        try:
            samples.append(transformed(work, visit))
        except Exception:
            continue  # an epoch reports it, or skips it
    return samples


def transformed(work: SampleTask, visit: int) -> Sample:
    """The sample of a visit behind its transforms, with its targets, to be looked at.

    Args:
        work: of the epoch.
        visit: see `Work.__call__`.
    """
    index = place_of(visit, len(work.dataset))
    sample = read_sample(work.dataset, index, [])
    if work.transform is None:
        return sample
    rng = sample_rng(work.seed, work.epoch, visit)
    return apply_transform(
        work.transform, sample, rng, draw_from(work.dataset, index, rng, work.skips)
    )


def _with_kinds(kinds: Mapping[str, Kind], *parts: Any) -> SampleTask:
    """A `Work` in a process that may lack some declarations."""
    KINDS.update(kinds)
    return SampleTask(*parts)


def checked_image(sample: Sample) -> None:
    """Raise DataError unless the sample's image is (height, width, 3) uint8."""
    image = sample.image
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise DataError(
            "A sample must have an RGB image, also after transforms",
            expected="(height, width, 3) uint8",
            received=f"{image.shape} {image.dtype}",
        )
