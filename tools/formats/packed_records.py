"""Write a dataset as records of im2rec, with all targets and a checksum behind the image."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from densefit.checkpoint.storage.atomic import replace_file
from densefit.data.checks.sample import read_sample
from densefit.data.io.array_codec import to_bytes
from densefit.data.io.exact_json import to_json
from densefit.data.sample import Dataset, Sample
from densefit.data.wrapped import classes_attribute
from densefit.datasets.record.record import CRC, FORMAT, LENGTH
from densefit.datasets.record.recordio import frame, with_header
from densefit.errors import ConfigError, DataError, located
from densefit.tools.formats.image_files import image_file

#: Attributes of a dataset that are stored, beside its lists `<target>_classes`.
ATTRIBUTES = ("classes", "category_ids", "keypoint_names", "limbs", "flip_pairs")


@dataclass(frozen=True)
class PackedSample:
    """A sample as a record.

    Attributes:
        key: of the record in the index.
        id: of the sample.
        record: framed bytes.
        crc32: of the record.
        targets: names of its targets, sorted.
        is_copied: whether the record contains the unchanged image file.
    """

    key: int
    id: str
    record: bytes
    crc32: int
    targets: tuple[str, ...]
    is_copied: bool


@dataclass
class RecordFileSummary:
    """What was written to a file of records.

    Attributes:
        ids: of the samples, in order.
        targets: names of each sample's targets.
        crcs: crc32 of each record.
        copied: number of image files that were copied unchanged.
        files: name of a file -> (bytes, crc32).
    """

    ids: list[str] = field(default_factory=list)
    targets: list[tuple[str, ...]] = field(default_factory=list)
    crcs: list[int] = field(default_factory=list)
    copied: int = 0
    files: dict[str, tuple[int, int]] = field(default_factory=dict)


def pack(dataset: Dataset, out: Path) -> int:
    """Write `dataset` to `out`; return the number of image files that were copied unchanged.

    Args:
        dataset: any dataset.
        out: the `.rec` file.

    Raises:
        ConfigError: `out` has another extension.
        DataError: a sample is broken; then no file is replaced.
    """
    check_extension(out)
    return write_records(packed_samples(dataset, range(len(dataset))), dataset, out).copied


def check_extension(out: Path) -> None:
    """Raise ConfigError unless a path is that of a file of records."""
    if out.suffix != ".rec":
        raise ConfigError("A file of records ends with .rec", received=str(out), where="out")


def packed_samples(dataset: Dataset, indices: Iterable[int]) -> Iterator[PackedSample]:
    """Encode samples as records, one after another.

    Raises:
        DataError: a sample is broken.
    """
    for index in indices:
        sample = read_sample(dataset, index)
        record, crc, is_copied = _encoded(dataset, index, sample)
        targets = tuple(sorted(sample.targets))
        yield PackedSample(index, str(sample.id), record, crc, targets, is_copied)


def write_records(
    samples: Iterable[PackedSample], dataset: Dataset, out: Path
) -> RecordFileSummary:
    """Write a file of records, its index and its description.

    The description is removed first and written last, so that new records are never read with an
    old description.

    Args:
        samples: the records.
        dataset: that they come from.
        out: the `.rec` file.
    """
    summary = RecordFileSummary()
    lines: list[str] = []
    end = 0

    def pieces() -> Iterator[bytes]:
        nonlocal end
        for sample in samples:
            summary.ids.append(sample.id)
            summary.targets.append(sample.targets)
            summary.crcs.append(sample.crc32)
            summary.copied += sample.is_copied
            lines.append(f"{sample.key}\t{end}\n")
            end += len(sample.record)
            yield sample.record
        # The new records replace the old ones next; the old description must be gone by then.
        out.with_suffix(".json").unlink(missing_ok=True)

    def write(path: Path, content: Iterable[bytes]) -> None:
        summary.files[path.name] = _replace(path, content)

    write(out, pieces())
    write(out.with_suffix(".idx"), ["".join(lines).encode()])
    description: dict[str, Any] = {
        "format": FORMAT.decode(),
        "from": repr(dataset),
        "bytes": end,
        **targets_by_record(summary.targets),
        "ids": summary.ids,
        "crc32": base64.b64encode(np.array(summary.crcs, "<u4").tobytes()).decode(),
        "dataset": packed_attributes(dataset),
    }
    write(out.with_suffix(".json"), [json.dumps(description, indent=1).encode()])
    return summary


def _replace(path: Path, content: Iterable[bytes]) -> tuple[int, int]:
    """Write a file atomically; its size and crc32."""
    size = crc = 0

    def counted() -> Iterator[bytes]:
        nonlocal size, crc
        for piece in content:
            size, crc = size + len(piece), zlib.crc32(piece, crc)
            yield piece

    replace_file(path, counted())
    return size, crc


def packed_attributes(dataset: Dataset) -> Any:
    """The stored attributes of a dataset, as `to_json` gives them."""
    names = (*ATTRIBUTES, *class_lists(dataset))
    present = {name: getattr(dataset, name) for name in names if hasattr(dataset, name)}
    return to_json(present, "dataset")


def class_lists(dataset: Dataset) -> list[str]:
    """Names of a dataset's attributes that list the classes of a target."""
    candidates = {"mask_classes", "label_classes", "labels_classes", "keypoint_classes"}
    candidates |= {classes_attribute(target) for target in getattr(dataset, "class_lists", ())}
    candidates |= {name for name in dir(dataset) if name.endswith("_classes") and name[0] != "_"}
    return sorted(
        name for name in candidates if isinstance(getattr(dataset, name, None), (list, tuple))
    )


def targets_by_record(target_names: Sequence[tuple[str, ...]]) -> dict[str, Any]:
    """Encode the targets of each record as indices into a list of distinct target lists.

    >>> targets_by_record([("boxes",), ("mask",), ("boxes",)])
    {'targets': [['boxes'], ['mask']], 'targets_of': [0, 1, 0]}
    """
    kinds = {names: index for index, names in enumerate(dict.fromkeys(target_names))}
    return {
        "targets": list(map(list, kinds)),
        "targets_of": [kinds[names] for names in target_names],
    }


def packed_record(dataset: Dataset, index: int, sample: Sample | None = None) -> tuple[bytes, bool]:
    """Encode a sample; (framed record, whether it contains the unchanged image file)."""
    sample = read_sample(dataset, index) if sample is None else sample
    record, _, is_copied = _encoded(dataset, index, sample)
    return record, is_copied


def _encoded(dataset: Dataset, index: int, sample: Sample) -> tuple[bytes, int, bool]:
    """Framed record of a sample, its crc32, and whether it contains the unchanged image file."""
    image, _, is_copied = image_file(dataset, index, sample)
    with located(f"sample {sample.id!r}"):
        payload = to_bytes(sample.targets, {"id": sample.id})
    body = with_header(header_labels(sample), index, image + payload) + LENGTH.pack(len(payload))
    crc = zlib.crc32(body)
    return frame(body + CRC.pack(crc) + FORMAT), crc, is_copied


def header_labels(sample: Sample) -> float | np.ndarray:
    """Make the label that im2rec would write: objects if there are boxes, else classes, else 0.

    Crowds are left out. An image without objects gets a row of class -1, MXNet's mark of "no
    object", because its readers refuse a label without rows.
    """
    targets = sample.targets
    if "boxes" in targets:
        if "classes" not in targets:
            raise DataError(
                "The label of a record needs the class of each box, and the sample has none",
                expected="a target `classes` beside `boxes`",
                received=sorted(targets),
                where=f"sample {sample.id!r}",
            )
        height, width = sample.image.shape[:2]
        count = len(targets["boxes"])
        boxes = targets["boxes"] / np.array([width, height, width, height], np.float32)
        difficult = targets.get("difficult", np.zeros(count, np.bool_))
        rows = np.column_stack([targets["classes"], boxes, difficult]).astype(np.float32)
        rows = rows[~targets.get("crowd", np.zeros(count, np.bool_))]
        if not len(rows):
            rows = np.array([[-1, 0, 0, 1, 1, 0]], np.float32)
        return np.concatenate([np.array([4, 6, width, height], np.float32), rows.ravel()])
    if "label" in targets:
        return float(targets["label"])
    if "labels" in targets:
        return targets["labels"].astype(np.float32)
    return 0.0
