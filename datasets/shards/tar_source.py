"""Shards that are WebDataset's tar files."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from densefit.datasets.files.names import Names, class_names
from densefit.errors import DataError
from densefit.once import warn_once

from .location import Location
from .open_shards import ShardReader
from .shard_list import Shard, ShardList
from .shard_targets import ShardTargets, deflated
from .source import check_samples
from .tar_fields import TarFields
from .tar_list import TarIndices, tar_files
from .tar_shard import TarShard

_log = logging.getLogger("densefit")


class TarSource:
    """Finds and indexes the tar files of a split.

    Args:
        root: folder of the dataset.
        split: name of the split.
        pattern: names of the files; None: those named after the split, or in a folder of its name.
        cache: folder for copies of remote files, beside which their indices are stored.
        fields: see `TarFields`.
        classes: class names, see `Shards`.
        exif: turn images as their EXIF orientation says.

    Attributes:
        classes: class names.

    Raises:
        MissingSplitError: there are no tar files.
        DataError: they have no samples, or more classes than names.
    """

    def __init__(
        self,
        root: Location,
        split: str | None,
        pattern: str | None,
        cache: Path,
        fields: Mapping[str, str] | None,
        classes: Names,
        exif: bool,
    ) -> None:
        self.location, files, versions = tar_files(root, split, pattern)
        where = self.location.where("")
        folder = None
        if root.is_remote:
            digest = sha256(where.encode()).hexdigest()[:16]
            folder = cache.with_name(f"{cache.name}-indices") / digest
        self._indices = TarIndices(self.location, files, versions, folder)
        shards, count = self._indices.shards, self._indices.classes
        if not shards:
            raise DataError("There are no samples in the tar files", where=where)
        names = _class_names(classes, root)
        if names is not None and len(names) < count:
            raise DataError(
                "The tar files have more classes than names",
                expected=f"at least {count} names",
                received=len(names),
                where=where,
            )
        self.classes = [str(number) for number in range(count)] if names is None else names
        self._fields = TarFields(fields, self.classes, exif)
        self._tell_unread(where)
        entries = [(shard.name, shard.samples, shard.files[0].size) for shard in shards]
        digest = sha256(repr(entries).encode()).hexdigest()  # copies of the files have other times
        self.list = ShardList(shards, {"classes": self.classes}, self._targets(where), digest)

    def open(self, shard: Shard) -> tuple[ShardReader, Any]:
        """Open a tar file."""
        files, index = self.location.open(shard), self._indices.index(shard)
        check_samples(shard, len(index), self.location)
        name = shard.files[0].name
        where = self.location.where(name)
        parts = (shard.name, index, self._fields, self.location.is_remote)
        reader = TarShard(files.folder / name, where, *parts)
        self.location.confirm(shard)
        return reader, files

    def ids(self, shard: Shard) -> Sequence[str]:
        """Name of the file and key of each sample."""
        return [f"{shard.name}/{key}" for key in self._indices.index(shard).keys]

    def files(self) -> Sequence[str]:
        """The tar files."""
        return [shard.files[0].name for shard in self.list.shards]

    def _targets(self, where: str) -> ShardTargets:
        """Targets of each sample, by the extensions of its files."""
        numbers: dict[frozenset[str] | None, int] = {}
        kinds = []
        for shard in self._indices.shards:
            names = map(self._fields.targets, self._indices.extensions_of(shard))
            sets = (None if entry is None else frozenset(entry) for entry in names)
            of_lists = np.array([numbers.setdefault(entry, len(numbers)) for entry in sets])
            is_mixed = len(set(of_lists.tolist())) > 1
            kinds.append(
                deflated(of_lists[self._indices.index(shard).kinds] if is_mixed else of_lists[:1])
            )
        sizes = [shard.samples for shard in self._indices.shards]
        return ShardTargets(numbers, kinds, sizes, where)

    def _tell_unread(self, where: str) -> None:
        """Warn of files that no rule reads, and of fields that no sample has."""
        lists = map(self._indices.extensions_of, self._indices.shards)
        unread = self._fields.unread(entry for of_shard in lists for entry in of_shard)
        if unread and self._fields.are_chosen:
            warn_once(_log, "no sample in %s has the files of fields: %s", where, ", ".join(unread))
        elif unread:
            warn_once(
                _log,
                "files in %s are not read, since no rule says what they are: %s. "
                'fields={"image": "jpg", "mask": "seg.png"} names files',
                *(where, ", ".join(unread)),
            )


def _class_names(classes: Names, root: Location) -> list[str] | None:
    """Class names as they are set, else in classes.txt."""
    if classes is None:
        content = root.read("classes.txt")
        lines = [] if content is None else content.decode("utf-8-sig", "replace").splitlines()
        classes = [line.strip() for line in lines if line.strip()] or None
    return None if classes is None else class_names(classes, Path())
