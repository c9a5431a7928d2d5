"""Process one sample in a worker: read, transform, encode."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
    """A sample that was read, transformed and encoded.

    Attributes:
        index: index in the dataset.
        id: sample id.
        data: (3, H, W) uint8.
        labels: head -> labels from its `encode`, or placeholder labels.
        labelled: head, and `<head>/<term>` -> whether the sample trains it.
        original: targets before any transform; None if not requested.
        geometry: map from the original image to the input.
        counts: object counts, see `densefit.data.loader.object_counts`; empty if no head trains
            on objects.
        remarks: remarks on dropped or cut boxes.
        occurring: head -> target -> class counts (see `ClassOccurrence`), if classes are counted.
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
    """Process samples of one epoch; called by several threads at once.

    `stand_ins` are placeholder labels, by head, for samples without its targets. With `originals`,
    samples carry their targets before any transform. With `skips`, a broken sample that a transform
    draws is replaced by another one. `matches` maps the dataset's classes to each head's. With a
    `tally`, samples carry class counts until all classes have occurred.
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
        """Pickle with the target kinds that were declared in this process."""
        return _with_kinds, (
            dict(KINDS),
            *(getattr(self, attribute.name) for attribute in fields(self)),
        )

    def __call__(self, visit: int) -> ProcessedSample:
        """Process the sample of a visit: its index, plus the dataset's length per repetition.

        Raises:
            DataError: any error, with the sample's id, chained from its cause.
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
                labels[head.name], trains_terms = self._encoded(head, seen)
                has.update(trains_terms)
                if self.tally is not None and not self.tally.is_complete(head.name):
                    occurring[head.name] = classes_in(seen.targets, head)
                    self.tally.take({head.name: occurring[head.name]})
                if trains_terms[head.name]:
                    counts.update(positives_of(head, seen, labels[head.name]))
            if counts:
                left, _ = boxes_in(sample.targets)
                counts.update({ANNOTATED: annotated, LEFT: left, CROWDS: crowds})
        except Exception as error:
            raise with_sample_id(error, stage, sample_id(self.dataset, index)) from error
        geometry = sample.geometry or Geometry.identity(*sample.image.shape[:2])
        data = planes(sample.image)
        parts = (index, sample.id, data, labels, has, original, geometry)
        class_counts = occurring if self.tally is not None else None
        return ProcessedSample(*parts, counts, tuple(remarks), class_counts)

    def _encoded(self, head: Encoder, sample: Sample) -> tuple[Mapping[str, Any], dict[str, bool]]:
        """Labels of a sample for a head, and whether it trains the head and its terms."""
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
        trained_by_term = {f"{name}/{term}": trained for term, trained in terms.items()}
        return labels, {name: any(terms.values()), **trained_by_term}


def first_of(work: SampleTask, attempts: int) -> ProcessedSample:
    """Process the first unbroken sample of `attempts`; else raise the first DataError."""
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
    """(height, width) of the transform's `output_size`, else of the first sample."""
    size = getattr(work.transform, "output_size", None)
    if size is not None:
        return int(size[0]), int(size[1])
    first = first_of(work, IN_A_ROW if work.skips else 1)
    return first.data.shape[1], first.data.shape[2]


def first_transformed(work: SampleTask, visits: Iterable[int], count: int) -> list[Sample]:
    """First transformed samples of an epoch, without broken ones; see `Loader`."""
    samples: list[Sample] = []
    for visit in visits:
        if len(samples) == count:
            break
        try:
            samples.append(transformed(work, int(visit)))
        except Exception:
            continue  # an epoch reports it, or skips it
    return samples


def transformed(work: SampleTask, visit: int) -> Sample:
    """The transformed sample of a visit, with its targets, e.g. to be drawn.

    Args:
        work: task of the epoch.
        visit: see `SampleTask.__call__`.
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
    """Unpickle a `SampleTask` in a process that may lack target declarations."""
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
