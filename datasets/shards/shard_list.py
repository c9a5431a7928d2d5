"""Which shards a split has: sizes, files and targets."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np

from densefit.datasets.record.description import (
    FAULTS,
    check_targets,
    dataset_attributes,
    unreadable,
)
from densefit.errors import DataError

from .shard_targets import ShardTargets

#: Ends the name of the list that `tools/pack.py` writes beside shards.
LIST_SUFFIX = ".shards.json"
FORMAT = "denfit-shards-1"
MOST_SHARDS = 100_000
_NAME = re.compile(r"[^./\\][^/\\]*")


@dataclass(frozen=True)
class ShardFile:
    """A file of a shard.

    Attributes:
        name: of the file.
        size: in bytes.
        crc32: of its content; None if it is not known.
        version: of a file without a crc32, which changes with its content.
    """

    name: str
    size: int
    crc32: int | None = None
    version: str | None = field(default=None, repr=False)

    def check(self, content: bytes, where: object) -> None:
        """Raise DataError unless this is the content of the file."""
        if len(content) != self.size or self.crc32 not in (None, zlib.crc32(content)):
            raise replaced(self, f"{len(content)} bytes, crc32 {zlib.crc32(content)}", where)


def replaced(file: ShardFile, received: str, where: object) -> DataError:
    """The error of a file that is not the listed one."""
    crc = "" if file.crc32 is None else f", crc32 {file.crc32}"
    return DataError(
        "A file of a shard is damaged, or of another packing than the list of shards",
        expected=f"{file.size} bytes{crc}",
        received=received,
        where=where,
        fix="fetch the file again, or pack the dataset again",
    )


@dataclass(frozen=True)
class Shard:
    """A shard of a list.

    Attributes:
        name: without extension.
        samples: their number.
        version: changes with the content.
        files: all that a reader needs.
    """

    name: str
    samples: int
    version: str
    files: tuple[ShardFile, ...]


@dataclass(frozen=True)
class ShardList:
    """The shards of a split.

    Attributes:
        shards: in the order of the dataset.
        attributes: of the dataset: class names and the like.
        targets: declares the targets of each sample.
        digest: hash of all ids.
    """

    shards: tuple[Shard, ...]
    attributes: dict[str, Any]
    targets: ShardTargets
    digest: str

    @classmethod
    def parse(cls, data: bytes, where: object) -> ShardList:
        """Read a list by `tools/pack.py`.

        Raises:
            DataError: it is broken.
        """
        try:
            content = json.loads(data)
            if content["format"] != FORMAT:
                raise ValueError(f"the format {content['format']!r}, not {FORMAT!r}")
            if content.get("crc32", -1) not in (-1, list_crc(content)):
                raise ValueError("another crc32 than it had (after a change by hand, remove it)")
            attributes = dataset_attributes(content)
            shards = tuple(_shard(entry) for entry in content["shards"])
            names, kinds = content["targets"], [e["targets_of"] for e in content["shards"]]
            digest = sha256("\n".join(e["ids"] for e in content["shards"]).encode()).hexdigest()
            total = sum(shard.samples for shard in shards)
            if total != content["samples"] or not shards:
                raise ValueError(f"{content['samples']} samples, and shards with {total}")
            if not all(type(kind) in (int, str) for kind in kinds):
                raise ValueError("targets that are neither a number nor a text")
        except FAULTS as error:
            raise unreadable(where, error) from error
        check_targets(names, [], 0, where)
        sizes = [shard.samples for shard in shards]
        return cls(shards, attributes, ShardTargets(names, kinds, sizes, where), digest)

    @property
    def sizes(self) -> np.ndarray:
        """(shards,) int64 number of samples of each."""
        return np.array([shard.samples for shard in self.shards], np.int64)

    @property
    def largest(self) -> int:
        """Bytes of the largest shard."""
        return max(sum(file.size for file in shard.files) for shard in self.shards)

    @property
    def bytes(self) -> int:
        """Bytes of all shards."""
        return sum(file.size for shard in self.shards for file in shard.files)


def list_crc(content: Mapping[str, Any]) -> int:
    """Checksum of the content of a list, without the checksum in it."""
    rest = {name: value for name, value in content.items() if name != "crc32"}
    return zlib.crc32(json.dumps(rest, sort_keys=True).encode())


def _shard(entry: Any) -> Shard:
    """A shard out of the JSON of a list; raises one of FAULTS if it is none."""
    name, samples = entry["name"], entry["samples"]
    states = {file: tuple(map(int, state)) for file, state in entry["files"].items()}
    files = tuple(ShardFile(file, size, crc) for file, (size, crc) in states.items())
    names = [name, *(file.name for file in files)]
    if not all(isinstance(text, str) and _NAME.fullmatch(text) for text in names):
        raise ValueError(f"names of files {names}")
    if {file.name for file in files} != {f"{name}{end}" for end in (".rec", ".idx", ".json")}:
        raise ValueError(f"files of a shard {names}")
    if type(samples) is not int or samples < 1:
        raise ValueError(f"a shard of {samples!r} samples")
    version = sha256(repr(files).encode()).hexdigest()[:12]
    return Shard(name, samples, version, files)
