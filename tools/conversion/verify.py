"""Compare a converted dataset with the original."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.data.checks.sample import read_sample
from densefit.data.classes.class_lists import dataset_list
from densefit.data.sample import Dataset, Sample
from densefit.data.sample_id import sample_id
from densefit.errors import DataError

from .writer import Writer

#: Pixels that a coordinate may differ by when it is read back.
TOLERANCE = 1e-3


def verify_split(writer: Writer, split: str, dataset: Dataset) -> int:
    """Read a split back and compare each sample; return their number.

    Raises:
        DataError: a sample is missing or differs.
    """
    written = writer.reader(split)
    if len(written) != len(dataset):
        raise DataError(
            "A split reads back with another number of samples",
            expected=len(dataset),
            received=len(written),
            where=f"split {split!r}",
        )
    index_of = {sample_id(written, index): index for index in range(len(written))}
    for index in range(len(dataset)):
        sample = read_sample(dataset, index)
        written_id = writer.written_id(split, sample)
        if written_id not in index_of:
            raise DataError(
                "A sample is not there when the split is read back",
                expected=f"id {written_id!r}",
                received=f"such as {next(iter(index_of))!r}",
                where=f"split {split!r}, sample {sample.id!r}",
            )
        reread = read_sample(written, index_of[written_id])
        _compare(writer, dataset, sample, written, reread)
    return len(dataset)


def _compare(
    writer: Writer, dataset: Dataset, sample: Sample, written: Dataset, reread: Sample
) -> None:
    """Raise DataError if a sample that was read back is not the original."""
    where = f"sample {sample.id!r}, read back as {reread.id!r}"
    if not np.array_equal(sample.image, reread.image):
        raise DataError("An image reads back with other pixels", where=where)
    usable = writer.kept_objects(sample)
    for name in sorted(sample.targets):
        if not writer.keeps(name) or name == "instance_ids":
            continue
        expected = sample.targets[name]
        if usable.size and expected.shape[:1] == usable.shape and name in _OF_OBJECTS:
            expected = expected[usable]
        received = reread.targets.get(name)
        if received is None or not _is_equal(name, expected, received, dataset, written):
            raise DataError(
                f"The target {name!r} reads back otherwise",
                expected=f"{expected!r:.200}",
                received=f"{received!r:.200}",
                where=where,
            )


_OF_OBJECTS = frozenset(
    ("boxes", "classes", "difficult", "crowd", "area", "keypoints", "instance_masks")
)


def _is_equal(
    name: str, expected: np.ndarray, received: np.ndarray, dataset: Dataset, written: Dataset
) -> bool:
    if expected.shape != received.shape:
        return False
    if name == "classes":
        names = [
            [data.classes[int(i)] for i in labels]
            for data, labels in (  # type: ignore[attr-defined]
                (dataset, expected),
                (written, received),
            )
        ]
        return names[0] == names[1]
    if name == "mask":
        return _are_equal_masks(expected, received, dataset, written)
    if name == "instances":
        return bool(np.array_equal(expected > 0, received > 0))
    if name in ("boxes", "keypoints"):
        return bool(np.abs(expected.astype(np.float64) - received).max(initial=0) <= TOLERANCE)
    if name == "area":
        difference = np.abs(expected.astype(np.float64) - received)
        return bool((difference <= TOLERANCE * np.maximum(expected, 1)).all())
    if expected.dtype == object:
        return all(dict(a) == dict(b) for a, b in zip(expected, received))
    return bool(np.array_equal(expected, received))


def _are_equal_masks(
    expected: np.ndarray, received: np.ndarray, dataset: Dataset, written: Dataset
) -> bool:
    """Whether two masks have the same class names at each pixel."""
    names, written_names = (dataset_list(data, "mask") or [] for data in (dataset, written))
    pairs = np.unique(expected.astype(np.int64) * 256 + received).tolist()
    return all(_name(names, pair // 256) == _name(written_names, pair % 256) for pair in set(pairs))


def _name(names: Sequence[str], value: int) -> str | int:
    return names[value] if value < len(names) else value
