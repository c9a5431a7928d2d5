"""Which shards a split has: sizes, files and targets."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
    """

    name: str
    size: int
    crc32: int | None = None


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
        targets: declares the targets of each sample; None if these are not known.
        digest: hash of all ids.
    """

    shards: tuple[Shard, ...]
    attributes: dict[str, Any]
    targets: ShardTargets | None
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


class ShardTargets(Sequence[frozenset[str]]):
    """Names of the targets of each sample, decoded a shard at a time.

    Args:
        names: distinct lists of targets.
        kinds: of each shard, which list all its samples have, or one of each sample: deflated
            int32 in base64.
        sizes: samples of each shard.
        where: of the list, for errors.
    """

    def __init__(
        self,
        names: Sequence[Sequence[str]],
        kinds: Sequence[int | str],
        sizes: Sequence[int],
        where: object,
    ) -> None:
        self._sets = [frozenset(entry) for entry in names]
        self._kinds, self._where = list(kinds), str(where)
        self._ends = np.cumsum(sizes)
        self._decoded: tuple[int, np.ndarray] = (-1, np.zeros(0, np.int32))

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> frozenset[str]:  # type: ignore[override]
        index = range(len(self))[index]
        shard = int(np.searchsorted(self._ends, index, "right"))
        kinds = self._of(shard)
        return self._sets[kinds[index - self._ends[shard] + len(kinds)]]

    def __iter__(self) -> Iterator[frozenset[str]]:
        for shard in range(len(self._kinds)):
            yield from map(self._sets.__getitem__, self._of(shard).tolist())

    def _of(self, shard: int) -> np.ndarray:
        number, decoded = self._decoded
        if number != shard:
            count = int(self._ends[shard] - (self._ends[shard - 1] if shard else 0))
            decoded = _inflated(self._kinds[shard], count, len(self._sets), self._where)
            self._decoded = (shard, decoded)
        return decoded


def _inflated(kinds: int | str, count: int, most: int, where: str) -> np.ndarray:
    """(count,) int32, each below `most`."""
    try:
        if isinstance(kinds, str):
            inflater = zlib.decompressobj()
            data = inflater.decompress(base64.b64decode(kinds, validate=True), 4 * count + 1)
            decoded = np.frombuffer(data, "<i4").astype(np.int32)
        else:
            decoded = np.full(count, kinds, np.int32)
    except (ValueError, binascii.Error, zlib.error) as error:
        raise unreadable(where, error) from error
    if len(decoded) != count or (count and not 0 <= decoded.min() <= decoded.max() < most):
        raise DataError(
            "The list of shards has targets that are none",
            where=where,
            fix="pack it again, or fetch the file again",
        )
    return decoded


def _shard(entry: Any) -> Shard:
    """A shard out of the JSON of a list; raises one of FAULTS if it is none."""
    name, samples = entry["name"], entry["samples"]
    files = tuple(ShardFile(file, *map(int, state)) for file, state in entry["files"].items())
    names = [name, *(file.name for file in files)]
    if not all(isinstance(text, str) and _NAME.fullmatch(text) for text in names):
        raise ValueError(f"names of files {names}")
    if {file.name for file in files} != {f"{name}{end}" for end in (".rec", ".idx", ".json")}:
        raise ValueError(f"files of a shard {names}")
    if type(samples) is not int or samples < 1:
        raise ValueError(f"a shard of {samples!r} samples")
    version = sha256(repr(files).encode()).hexdigest()[:12]
    return Shard(name, samples, version, files)
