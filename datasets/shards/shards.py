"""A dataset in shards, which is larger than one disk lists, or lies elsewhere."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from densefit.data.io.cache import parse_bytes
from densefit.data.repr_args import unusual
from densefit.data.sample import Sample, datasets
from densefit.data.shard_sampler import ShardOrder
from densefit.datasets.files.cache_folder import CACHE
from densefit.datasets.files.names import Names, class_names
from densefit.datasets.record.description import give_attributes
from densefit.errors import ConfigError
from densefit.numeric import check_whole

from .local_folder import LocalFolder
from .location import Location
from .open_shards import OpenShards, ShardReader
from .read_ahead import ReadAhead
from .remote_folder import RemoteFolder, is_address
from .shard_cache import ShardCache
from .shard_list import LIST_SUFFIX
from .source import PackedSource, ShardSource
from .tar_list import split_root
from .tar_source import TarSource

_MOST_OPEN = 64


@datasets.register("shards")
class Shards:
    """Shards by `tools/pack.py --shard-size`, or WebDataset's tar files.

    The shards of a split are listed in `<root>/<split>.shards.json`; without it they are tar files
    `<split>-*.tar`, or all in a folder `<split>/`. A loader that shuffles reads shards in random
    order, and samples through a shuffle buffer. Shards at an address are copied to a cache when
    they are needed, the next one ahead.

    Args:
        root: the folder, an address that fsspec knows (s3://bucket/folder), or, of tar files, a
            pattern: s3://bucket/{split}-{000..099}.tar.
        split: name of the shards; None: all tar files of the folder.
        buffer: size of the shuffle buffer, in samples. So many samples, and one shard, are in use
            at once: they should fit into memory as files.
        classes: of tar files: class names, a list or a file with one a line. None:
            `<root>/classes.txt`, or, if there is none, the numbers in files `.cls`.
        fields: of tar files: target, or "image" -> extension of its file, such as {"image": "jpg",
            "mask": "seg.png"}. None: the one image; `cls` is `label`; `mask.png` is `mask`, and so
            for other targets; of `json`, what is called like a target, and COCO's annotations.
        exif: of tar files: turn images as their EXIF orientation says.
        cache: folder for copies of remote shards; several processes and datasets may share it.
            None: `$DENSEFIT_CACHE/shards`, by default `~/.cache/densefit/shards`.
        cache_size: most bytes of the copies, such as 50GB.
        storage_options: of fsspec's file system, e.g. {"anon": true}.

    Attributes:
        classes: the names; of packed shards also `mask_classes` and whatever else the packed
            dataset knew.

    Raises:
        ConfigError: unknown settings, or other classes than packed shards have.
        DataError: there are no shards, or they cannot be read.
    """

    classes: list[str]

    def __init__(
        self,
        root: str | Path,
        split: str | None = "train",
        buffer: int = 10_000,
        classes: Names = None,
        fields: Mapping[str, str] | None = None,
        exif: bool = True,
        cache: str | Path | None = None,
        cache_size: int | str = "50GB",
        storage_options: Mapping[str, Any] | None = None,
    ) -> None:
        where = ("root", "split", "cache", "cache_size", "storage_options")  # not what is read
        self._unusual = unusual(Shards, locals(), where)
        check_whole(buffer, "buffer", 0, where="Shards")
        self.root, self.split, self.buffer = root, split, buffer
        self._cache_bytes = parse_bytes(cache_size)
        folder, pattern = split_root(str(root), split)
        self._location: Location
        if is_address(folder):
            store = ShardCache(_cache_folder(cache), self._cache_bytes)
            self._location = RemoteFolder(folder, store, storage_options)
        else:
            self._location = LocalFolder(Path(folder))
        name = f"{split}{LIST_SUFFIX}"
        content = None if pattern or split is None else self._location.read(name)
        self._source: ShardSource
        if content is not None:
            self._source = PackedSource(self._location, str(split), content)
        else:
            parts = (self._location, split, pattern, _cache_folder(cache), fields, classes, exif)
            self._source = TarSource(*parts)
        self._location, self._list = self._source.location, self._source.list
        give_attributes(self, self._list.attributes, self._location.where(name))
        if content is not None:
            self._check_settings(classes, fields)
        self._ends = np.cumsum(self._list.sizes)
        most = 2 + math.ceil(buffer / self._list.sizes.mean())
        self._open = OpenShards(self._opened, min(most, _MOST_OPEN), self._repaired)
        self._ids: tuple[int, Sequence[str]] = (-1, ())  # of the shard that was asked for last
        self._last_opened = -2
        self._has_order = False  # which announces shards
        self._ahead = ReadAhead(self._prepare, self._location.is_remote)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __repr__(self) -> str:
        return f"Shards({str(self.root)!r}, split={self.split!r}{self._unusual})"

    @property
    def ids_digest(self) -> str:
        """Hash of all ids, or of the files that they are in."""
        return self._list.digest

    @property
    def data_files(self) -> list[Path]:
        """Local files that say whether the samples have changed."""
        names: Sequence[str] = () if self._location.is_remote else self._source.files()
        return [Path(self._location.where(name)) for name in names]

    def id_of(self, index: int) -> str:
        """The id in the packed dataset; of tar files, `<file>/<key>`."""
        shard, number = self._find(index)
        last, ids = self._ids
        if last != shard:
            ids = self._source.ids(self._list.shards[shard])
            self._ids = (shard, ids)
        return ids[number]

    def targets_of(self, index: int) -> Sequence[str] | None:
        """Names of a sample's targets; None if a JSON file in a tar file decides."""
        names = self._list.targets[index]
        return None if names is None else tuple(sorted(names))

    def all_targets(self) -> Sequence[frozenset[str]] | None:
        """Names of the targets of all samples."""
        targets: Any = self._list.targets
        return targets if targets.is_complete else None

    def image_bytes(self, index: int) -> bytes:
        """Content of the image's file."""
        shard, number = self._find(index)
        return self._open.read(shard, lambda reader: reader.image_bytes(number))

    def __getitem__(self, index: int) -> Sample:
        shard, number = self._find(index)
        return self._open.read(shard, lambda reader: reader[number])

    def order(self, shuffle: bool, batch_size: int) -> ShardOrder:
        """Order of a loader's epochs.

        Raises:
            ConfigError: the cache cannot hold the shards that are in use at once.
        """
        return self._make_order(self._list.sizes, shuffle)

    def order_of_part(self, indices: np.ndarray, shuffle: bool, batch_size: int) -> ShardOrder:
        """Order of the epochs of a loader that reads some of the samples.

        Args:
            indices: of the samples, ascending.
            shuffle: whether shards and samples come in random order.
            batch_size: is not used.
        """
        ends = np.searchsorted(indices, self._ends)
        return self._make_order(np.diff(ends, prepend=0), shuffle)

    def _make_order(self, sizes: np.ndarray, shuffle: bool) -> ShardOrder:
        buffer = self.buffer if shuffle else 0
        # Those of the buffer, those where it begins and ends, and two for readers that lag behind.
        at_once = 4 + math.ceil(buffer / max(1.0, sizes.mean()))
        needed = min(at_once * self._list.largest, self._list.bytes)
        if self._location.is_remote and needed > self._cache_bytes:
            raise ConfigError(
                "The cache cannot hold the shards that are in use at once",
                expected=f"cache_size of {needed} bytes or more",
                received=f"{self._cache_bytes} bytes",
                where=repr(self),
                fix=f"a larger cache_size, a smaller buffer than {self.buffer}, or smaller shards",
            )
        self._has_order = True
        return ShardOrder(sizes, shuffle, self.buffer, announce=self._ahead.announce)

    def _find(self, index: int) -> tuple[int, int]:
        """Number of a sample's shard, and its number in this."""
        index = range(len(self))[index]
        shard = int(np.searchsorted(self._ends, index, "right"))
        return shard, index - int(self._ends[shard]) + self._list.shards[shard].samples

    def _opened(self, number: int) -> tuple[ShardReader, Any]:
        """Open a shard; without an order, the next one is prepared when they come one by one."""
        is_next = number == self._last_opened + 1 < len(self._list.shards) - 1
        if is_next and not self._has_order:
            self._ahead.add(number + 1)
        self._last_opened = number
        return self._source.open(self._list.shards[number])

    def _repaired(self, number: int) -> bool:
        """Remove damaged copies of a shard, so that they are made again."""
        return self._location.remove_damaged(self._list.shards[number])

    def _prepare(self, number: int) -> None:
        self._location.read_ahead(self._list.shards[number])

    def _check_settings(self, classes: Names, fields: object) -> None:
        """Raise ConfigError if packed shards have other classes than were asked for."""
        names = None if classes is None else class_names(classes, Path(str(self.root)))
        if fields is not None or (names is not None and names != self.classes):
            raise ConfigError(
                "Packed shards have classes and targets of their own",
                expected=f"classes={self.classes}, or none; no fields",
                received=f"classes={names}, fields={fields}",
                where=self._location.where(f"{self.split}{LIST_SUFFIX}"),
                fix="give other settings to the dataset that is packed",
            )


def _cache_folder(chosen: str | Path | None) -> Path:
    """Folder for copies of remote shards."""
    if chosen is not None:
        return Path(chosen)
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    base = os.environ.get(CACHE, "")
    return Path(home) / "densefit" / "shards" if base in ("", "off") else Path(base) / "shards"
