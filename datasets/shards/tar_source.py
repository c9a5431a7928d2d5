"""Shards that are WebDataset's tar files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from densefit.datasets.files.names import Names, class_names
from densefit.errors import DataError

from .location import Location
from .open_shards import ShardReader
from .shard_list import Shard, ShardList
from .shard_targets import ShardTargets
from .source import check_samples
from .tar_fields import TarFields
from .tar_list import TarIndices, tar_files
from .tar_shard import TarShard


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
        entries = [(shard.name, shard.samples, shard.files[0].size) for shard in shards]
        digest = sha256(repr(entries).encode()).hexdigest()  # copies of the files have other times
        self.list = ShardList(shards, {"classes": self.classes}, self._targets(where), digest)

    def open(self, shard: Shard) -> tuple[ShardReader, Any]:
        """Open a tar file."""
        files, index = self.location.open(shard), self._indices.index(shard)
        check_samples(shard, len(index), self.location)
        name = shard.files[0].name
        where = self.location.where(name)
        return TarShard(files.folder / name, where, shard.name, index, self._fields), files

    def ids(self, shard: Shard) -> Sequence[str]:
        """Name of the file and key of each sample."""
        return [f"{shard.name}/{key}" for key in self._indices.index(shard).keys]

    def _targets(self, where: str) -> ShardTargets | None:
        """Targets of each sample, if all have the same, by the extensions of their files."""
        kinds = {self._fields.targets(entry) for entry in self._indices.extensions}
        names = kinds.pop()
        if kinds or names is None:
            return None
        sizes = [shard.samples for shard in self._indices.shards]
        return ShardTargets([names], [0] * len(sizes), sizes, where)


def _class_names(classes: Names, root: Location) -> list[str] | None:
    """Class names as they are set, else in classes.txt."""
    if classes is None:
        content = root.read("classes.txt")
        lines = [] if content is None else content.decode("utf-8-sig", "replace").splitlines()
        classes = [line.strip() for line in lines if line.strip()] or None
    return None if classes is None else class_names(classes, Path())
