"""Merge the targets of several samples that make one image, each target by its kind.

Only targets that all samples have are kept: for the others, a part of the new image would lack
ground truth. A target that cannot be merged (such as the class of a whole image) is an error,
unless it is dropped; its head then learns nothing from the new image.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import numpy as np

from densefit.data.classes.known_classes import is_known
from densefit.data.geometry.box_members import boxes_of
from densefit.data.geometry.instance_map import NONE, UNKNOWN
from densefit.data.geometry.target_kinds import KINDS, PER_OBJECT, kind_of
from densefit.data.sample import Geometry, LostGeometry, Sample
from densefit.errors import DataError

#: A transform of further samples before they are merged.
Prepare = Callable[[Sample, np.random.Generator], Sample] | None
MAPS = ("map", "map_linear", "vectors")


def common_targets(samples: Sequence[Sample], drop: Collection[str]) -> list[str]:
    """Names of the targets that all samples have, without those in `drop`; per-box with boxes.

    `known_classes` targets are never dropped: without them, all classes count as annotated.
    """
    names = [
        name
        for name in samples[0].targets
        if (is_known(name) or name not in drop)
        and all(name in sample.targets for sample in samples)
    ]
    kinds = {name: kind_of(name, samples[0].targets[name]).name for name in names}
    where, result = f"sample {samples[0].id!r}", []
    for name in names:
        if name in KINDS and (kinds[name] in PER_OBJECT or KINDS[name].boxes):
            boxes = name if kinds[name] == "boxes" else boxes_of(name, samples[0].targets, where)
            is_row = kinds[name] in PER_OBJECT
            if (is_row and boxes not in names) or (boxes in drop and not is_known(name)):
                continue
        result.append(name)
    return result


def intersect_known_classes(samples: Sequence[Sample]) -> list[Sample]:
    """Restrict the annotated classes of each sample to those that all samples annotate.

    For other classes, the merged image shows objects that are not annotated.

    Raises:
        DataError: the samples have different numbers of classes.
    """
    names = {name for sample in samples for name in sample.targets if is_known(name)}
    common_known = {}
    for name in sorted(names):
        masks = [np.asarray(sample.targets[name]) for sample in samples if name in sample.targets]
        if len({array.shape for array in masks}) > 1:
            raise DataError(
                f"Images that are merged have different classes: {name!r}",
                received=f"shapes {', '.join(str(array.shape) for array in masks)}",
                where="samples " + ", ".join(repr(sample.id) for sample in samples),
                fix="bring their datasets to common classes: Mixture(..., classes=...)",
            )
        common_known[name] = np.logical_and.reduce(masks)
    return [
        replace(sample, targets={**sample.targets, **common_known}) if common_known else sample
        for sample in samples
    ]


def merged_geometry(sample: Sample, size: tuple[int, ...], why: str) -> LostGeometry:
    """The geometry of an image merged from several: it cannot be scored.

    Args:
        sample: the first one.
        size: (height, width) of the merged image.
        why: the reason, as the end of a sentence.
    """
    geometry = sample.geometry or Geometry.identity(*sample.image.shape[:2])
    return LostGeometry(geometry.size, (int(size[0]), int(size[1])), why)


def concatenate_rows(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Concatenate rows of objects; the dtype is that of the first."""
    return np.concatenate(arrays).astype(arrays[0].dtype, copy=False)


def merge_plain(name: str, samples: Sequence[Sample], where: str, either: bool) -> np.ndarray:
    """Merge a target of the kind `plain`.

    Equal arrays stay. `labels` become 1 if one image shows the class, -1 (unknown) if none does
    and one may, else 0.

    Args:
        name: name of the target.
        samples: to merge.
        where: the transform, for errors.
        either: whether the merged image shows all of each, so that `labels` can be merged.

    Raises:
        DataError: it cannot be merged.
    """
    arrays = [np.asarray(sample.targets[name]) for sample in samples]
    if name == "labels" and either and len({array.shape for array in arrays}) == 1:
        stack = np.stack(arrays)
        return np.asarray(np.where((stack == 1).any(axis=0), 1, stack.min(axis=0)))
    # A merged image has no single class, even if the classes are equal by chance.
    if name not in ("label", "labels") and all(np.array_equal(arrays[0], a) for a in arrays):
        return arrays[0]
    raise cannot_merge(name, samples, where)


def cannot_merge(name: str, samples: Sequence[Sample], where: str) -> DataError:
    """Make the error of a target that cannot be merged."""
    ids = ", ".join(repr(sample.id) for sample in samples)
    return DataError(
        f"The target {name!r} of several images cannot become that of one",
        received=f"samples {ids}",
        where=where,
        fix=f"drop=[{name!r}]: what learns it then learns nothing from such images; or leave "
        f"{where} out",
    )


def renumber_instances(samples: Sequence[Sample]) -> list[Sample]:
    """Renumber the instances of samples, so that all ids differ.

    Raises:
        DataError: there are more instances than ids.
    """
    names = {name for sample in samples for name in sample.targets if _has_ids(name)}
    for boxes in sorted({KINDS[name].boxes for name in names}):
        samples = _renumbered(samples, [name for name in names if KINDS[name].boxes == boxes])
    return list(samples)


def _renumbered(samples: Sequence[Sample], names: Sequence[str]) -> list[Sample]:
    """Renumber the ids in targets that belong to the same boxes."""
    result, last = [], 0
    for sample in samples:
        targets = dict(sample.targets)
        is_present = np.zeros(UNKNOWN + 1, bool)
        for name in names:
            is_present[targets.get(name, NONE)] = True
        is_present[[NONE, UNKNOWN]] = False
        ids = np.flatnonzero(is_present)
        if last + len(ids) >= UNKNOWN:
            raise DataError(
                "There are more objects in an image than ids",
                expected=f"less than {UNKNOWN}",
                received=last + len(ids),
                where=f"sample {sample.id!r}",
            )
        table = np.arange(UNKNOWN + 1, dtype=np.uint16)
        table[ids] = last + 1 + np.arange(len(ids))
        for name in names:
            if name in targets:
                targets[name] = table[targets[name]].astype(targets[name].dtype)
        last += len(ids)
        result.append(replace(sample, targets=targets))
    return result


def _has_ids(name: str) -> bool:
    return name in KINDS and KINDS[name].role in ("instances", "instance_ids")


def prepare_samples(
    samples: Sequence[Sample], prepare: Prepare, rng: np.random.Generator
) -> list[Sample]:
    """Apply `prepare` to further samples."""
    return [sample if prepare is None else prepare(sample, rng) for sample in samples]
