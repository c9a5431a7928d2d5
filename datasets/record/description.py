"""The description beside packed records: ids, names of targets, and attributes of the dataset."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from densefit.data.io.array_codec import from_old_json
from densefit.data.io.exact_json import from_json
from densefit.data.io.image_file import read_file
from densefit.datasets.objects.text_column import TextColumn
from densefit.errors import DataError

FAULTS = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True)
class Description:
    """What `tools/pack.py` writes last, beside the records.

    Attributes:
        path: of the file.
        size: bytes of the file of records.
        ids: of the samples.
        attributes: of the dataset that was packed: class names and the like.
        target_names: distinct lists of targets.
        kinds: (records,) int32, which of these each record has; empty in earlier versions' files.
        crcs: (records,) uint32, crc32 of each record; empty in earlier versions' files.
    """

    path: Path
    size: int
    ids: TextColumn
    attributes: dict[str, Any]
    target_names: list[list[str]]
    kinds: np.ndarray
    crcs: np.ndarray

    @classmethod
    def read(cls, path: Path) -> Description:
        """Read the file. Raises DataError if it is broken."""
        return cls.parse(read_file(path), path)

    @classmethod
    def parse(cls, data: bytes, path: str | Path) -> Description:
        """Read the content of the file. Raises DataError if it is broken."""
        try:
            content = json.loads(data)
            size, ids = int(content["bytes"]), list(content["ids"])
            if not all(isinstance(entry, str) for entry in ids):
                raise ValueError("ids that are no texts, or classes that are no list")
            attributes = dataset_attributes(content)
            targets, kinds = content.get("targets", []), content.get("targets_of", [])
            crcs = np.frombuffer(base64.b64decode(content.get("crc32", ""), validate=True), "<u4")
            if len(crcs) not in (0, len(ids)):
                raise ValueError(f"{len(ids)} ids, and {len(crcs)} crc32 of records")
        except FAULTS as error:
            raise unreadable(path, error) from error
        check_targets(targets, kinds, len(ids), path)
        kinds = np.array(kinds, np.int32)
        return cls(Path(path), size, TextColumn.of(ids), attributes, targets, kinds, crcs)

    def targets_of(self, index: int) -> Sequence[str] | None:
        """Names of a record's targets; None of records that an earlier version packed."""
        return self.target_names[self.kinds[index]] if len(self.kinds) else None

    def check_crc(self, index: int, crc: int, where: object) -> None:
        """Raise DataError unless this describes a record with such a crc32."""
        if len(self.crcs) and self.crcs[index] != crc:
            raise DataError(
                "The records and their description are of different packings",
                expected=f"a record with crc32 {self.crcs[index]} (as {self.path.name} says)",
                received=f"a whole record with crc32 {crc}",
                where=where,
                fix="pack it again, or fetch all three files again",
            )

    def check_size(self, records: int, size: int, where: object) -> None:
        """Raise DataError unless this describes a file of so many records and bytes."""
        if self.size != size or len(self.ids) != records:
            raise DataError(
                "The files of records do not belong together, or one is cut short",
                expected=f"{self.size} bytes, {len(self.ids)} records (as {self.path.name} says)",
                received=f"{size} bytes, {records} records",
                where=where,
                fix="pack it again, or fetch all three files again",
            )


def dataset_attributes(content: Any) -> dict[str, Any]:
    """Attributes of the packed dataset in the JSON of a description.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: they are none.
    """
    attributes = dict(
        from_json(content["dataset"])
        if "dataset" in content
        else {name: from_old_json(value) for name, value in content["attributes"].items()}
    )
    if not isinstance(attributes["classes"], (list, tuple)):
        raise ValueError("ids that are no texts, or classes that are no list")
    return attributes


def give_attributes(dataset: object, attributes: dict[str, Any], path: object) -> None:
    """Set attributes of a packed dataset on the one that reads it.

    Raises:
        DataError: it has an attribute of the name.
    """
    for name, value in attributes.items():
        if name.startswith("_") or hasattr(dataset, name):
            raise DataError(
                "The description of the records has an attribute that no dataset has",
                received=name,
                where=path,
            )
        setattr(dataset, name, value)


def check_targets(names: object, kinds: object, records: int, path: object) -> None:
    """Raise DataError unless each record, or none, has one of the lists of targets."""
    if not (
        isinstance(names, list)
        and isinstance(kinds, list)
        and len(kinds) in (0, records)
        and all(isinstance(entry, list) for entry in names)
        and all(isinstance(name, str) for entry in names for name in entry)
        and all(type(kind) is int and 0 <= kind < len(names) for kind in kinds)
    ):
        raise DataError(
            "The description of the records has targets that are none",
            where=path,
            fix="pack it again, or fetch the file again",
        )


def unreadable(path: object, error: Exception) -> DataError:
    """The error of a description that is no JSON, or lacks something."""
    return DataError(
        f"The description of the records cannot be read: {type(error).__name__}: {error}",
        where=path,
        fix="pack it again, or fetch the file again",
    )
