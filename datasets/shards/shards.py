"""A dataset in shards, which is larger than one disk lists, or lies elsewhere."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from densefit.data.annotated import in_sets
from densefit.data.io.cache import parse_bytes
from densefit.data.repr_args import unusual
from densefit.data.sample import Sample, datasets
from densefit.data.shard_sampler import ShardOrder
from densefit.datasets.files.cache_folder import CACHE
from densefit.datasets.files.names import Names, class_names
from densefit.datasets.record.description import give_attributes
from densefit.datasets.record.record import Record
from densefit.errors import ConfigError, DataError, located
from densefit.numeric import check_whole

from .locations import LocalFolder, Location, RemoteFolder, is_address
from .open_shards import OpenShards, ShardReader
from .read_ahead import ReadAhead
from .shard_cache import ShardCache
from .shard_list import LIST_SUFFIX, ShardList, ShardTargets
from .tar_fields import TarFields
from .tar_list import TarIndices, split_root, tar_files
from .tar_shard import TarShard

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
        self._tars: TarIndices | None = None
        name = f"{split}{LIST_SUFFIX}"
        content = None if pattern or split is None else self._location.read(name)
        if content is not None:
            self._list = ShardList.parse(content, self._location.where(name))
            give_attributes(self, self._list.attributes, self._location.where(name))
            self._check_settings(classes, fields)
        else:
            self._list = self._index_tars(classes, fields, exif, pattern, _cache_folder(cache))
        self._ends = np.cumsum(self._list.sizes)
        most = 2 + math.ceil(buffer / self._list.sizes.mean())
        self._open = OpenShards(self._opened, min(most, _MOST_OPEN))
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
        path = Path(self._location.where(f"{self.split}{LIST_SUFFIX}"))
        return [path] if not self._location.is_remote and path.is_file() else []

    def id_of(self, index: int) -> str:
        """The id in the packed dataset; of tar files, `<file>/<key>`."""
        shard, number = self._find(index)
        name = self._open[shard].id_of(number)
        return name if self._tars is None else f"{self._list.shards[shard].name}/{name}"

    def targets_of(self, index: int) -> Sequence[str] | None:
        """Names of a sample's targets; None if a JSON file in a tar file decides."""
        if self._list.targets is not None:
            return tuple(self._list.targets[index])
        shard, number = self._find(index)
        return self._open[shard].targets_of(number)

    def all_targets(self) -> Sequence[frozenset[str]] | None:
        """Names of the targets of all samples."""
        return self._list.targets or in_sets(map(self.targets_of, range(len(self))))

    def image_bytes(self, index: int) -> bytes:
        """Content of the image's file."""
        shard, number = self._find(index)
        return self._open[shard].image_bytes(number)

    def __getitem__(self, index: int) -> Sample:
        shard, number = self._find(index)
        sample = self._open[shard][number]
        if self._tars is not None:
            sample.id = f"{self._list.shards[shard].name}/{sample.id}"
        return sample

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
        at_once = 2 + math.ceil(buffer / max(1.0, sizes.mean()))
        needed = min(at_once * self._list.largest, self._list.bytes)
        if self._location.is_remote and needed > self._cache_bytes:
            raise ConfigError(
                "The cache cannot hold the shards that are in use at once",
                expected=f"cache_size of {needed} bytes or more",
                received=f"{self._cache_bytes} bytes",
                where=repr(self),
                fix=f"a larger cache_size, a smaller buffer than {self.buffer}, or smaller shards",
            )
        return ShardOrder(sizes, shuffle, self.buffer, announce=self._ahead.announce)

    def _find(self, index: int) -> tuple[int, int]:
        """Number of a sample's shard, and its number in this."""
        index = range(len(self))[index]
        shard = int(np.searchsorted(self._ends, index, "right"))
        return shard, index - int(self._ends[shard]) + self._list.shards[shard].samples

    def _opened(self, number: int) -> tuple[ShardReader, Any]:
        """Open a shard."""
        shard = self._list.shards[number]
        files = self._location.open(shard)
        reader: ShardReader
        if self._tars is None:
            with located(self._location.where(shard.name)):
                reader = Record(files.folder, shard.name)
        else:
            name = shard.files[0].name
            where, index = self._location.where(name), self._tars.index(shard)
            reader = TarShard(files.folder / name, where, index, self._fields)
        if len(reader) != shard.samples:
            raise DataError(
                "A shard has another number of samples than its list says",
                expected=shard.samples,
                received=len(reader),
                where=self._location.where(shard.name),
                fix="pack the dataset again, or fetch the files again",
            )
        return reader, files

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

    def _index_tars(
        self,
        classes: Names,
        fields: Mapping[str, str] | None,
        exif: bool,
        pattern: str | None,
        cache: Path,
    ) -> ShardList:
        """List tar files."""
        location, files, versions = tar_files(self._location, self.split, pattern)
        folder = cache.with_name(f"{cache.name}-indices") if location.is_remote else None
        if folder is not None:
            folder /= sha256(location.where("").encode()).hexdigest()[:16]
        self._tars = tars = TarIndices(location, files, versions, folder)
        if not tars.shards:
            raise DataError("There are no samples in the tar files", where=location.where(""))
        if classes is None and location.is_remote:
            listed = self._location.read("classes.txt")
            names = None if listed is None else listed.decode().split("\n")
            classes = names and [name.strip() for name in names if name.strip()]
        self._location = location
        listed_names = class_names(classes, Path(str(self.root)))
        self.classes = listed_names or [str(number) for number in range(tars.classes)]
        if len(self.classes) < tars.classes:
            raise DataError(
                "The tar files have more classes than names",
                expected=f"at least {tars.classes} names",
                received=len(self.classes),
                where=location.where(""),
            )
        self._fields = TarFields(fields, self.classes, exif)
        kinds = [self._fields.targets(entry) for entry in tars.extensions]
        targets = None
        if len(set(kinds)) == 1 and kinds[0] is not None:
            sizes = [shard.samples for shard in tars.shards]
            targets = ShardTargets([kinds[0]], [0] * len(sizes), sizes, location.where(""))
        digest = sha256(repr([(s.name, s.samples, s.version) for s in tars.shards]).encode())
        return ShardList(tars.shards, {}, targets, digest.hexdigest())


def _cache_folder(chosen: str | Path | None) -> Path:
    """Folder for copies of remote shards."""
    if chosen is not None:
        return Path(chosen)
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    base = os.environ.get(CACHE, "")
    return Path(home) / "densefit" / "shards" if base in ("", "off") else Path(base) / "shards"
