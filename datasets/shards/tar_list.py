"""Find the tar files of a split, and index them."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fnmatch import fnmatchcase
from hashlib import sha256
from itertools import product
from pathlib import Path

from densefit.datasets.files.cache_folder import cache_files
from densefit.errors import ConfigError, DataError, MissingSplitError

from .location import Location
from .shard_list import MOST_SHARDS, Shard, ShardFile
from .tar_index import TarIndex, scan

_log = logging.getLogger(__name__)
TAR = ".tar"
_COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"([0-9]+)\.\.([0-9]+)")
_AT_ONCE = 4  # files that are copied and indexed
_STATES_AT_ONCE = 16


def split_root(root: str, split: str | None) -> tuple[str, str | None]:
    """Folder and pattern of a root such as `s3://bucket/{split}-{000..099}.tar`.

    >>> split_root("data/{split}-{00..31}.tar", "val"), split_root("data", "val")
    (('data', 'val-{00..31}.tar'), ('data', None))
    """
    root = root if split is None else root.replace("{split}", split)
    if not root.endswith(TAR) or os.path.isdir(root):
        return root, None
    folder, _, pattern = root.rpartition("/")
    if "{" in folder:
        raise ConfigError(
            "The numbers of shards are in the names of the files, not in that of the folder",
            received=root,
            where="root",
        )
    return folder or ".", pattern


def expanded(pattern: str) -> list[str]:
    """File names of a pattern with numbers and words in braces.

    >>> expanded("a-{08..10}.tar"), expanded("{x,y}.tar")
    (['a-08.tar', 'a-09.tar', 'a-10.tar'], ['x.tar', 'y.tar'])
    """
    parts = _BRACES.split(pattern)
    choices = [_choices(part) if number % 2 else [part] for number, part in enumerate(parts)]
    return ["".join(words) for words in product(*choices)]


def _choices(text: str) -> list[str]:
    numbers = _RANGE.fullmatch(text)
    if numbers is None:
        return text.split(",")
    first, last = int(numbers[1]), int(numbers[2])
    if not first <= last < first + MOST_SHARDS:
        raise ConfigError(
            "A range of shards counts upwards, to at most 100,000", received=text, where="root"
        )
    return [f"{number:0{len(numbers[1])}d}" for number in range(first, last + 1)]


def tar_files(
    location: Location, split: str | None, pattern: str | None
) -> tuple[Location, list[ShardFile], list[str]]:
    """Folder, files and versions of the tar files of a split.

    Without a pattern they are named after the split, `train.tar`, `train-*.tar`, `train_*.tar`,
    or lie in a folder `train/`; without a split they are all tar files of the folder.

    Raises:
        MissingSplitError: there are none.
    """
    if pattern is not None:
        return location, *_listed(_states(location, pattern))
    states = location.files()
    tars = [name for name in states if name.endswith(TAR)]
    if split is not None:
        named = re.compile(rf"{re.escape(split)}([-_.].*)?\.tar")
        of_split = [name for name in tars if named.fullmatch(name)]
        if not of_split:
            below = location.below(split)
            inner = _files_below(below)
            if any(name.endswith(TAR) for name in inner):
                return tar_files(below, None, None)
        tars = of_split
    if not tars:
        packed = [name for name in states if name.endswith(_COMPRESSED)]
        raise MissingSplitError(
            f"There are no shards of the split {split!r}",
            expected=f"{split or 'NAME'}.shards.json (by tools/pack.py --shard-size 512MB), "
            f"{split or 'NAME'}-*.tar, or a folder {split or 'NAME'}/ with *.tar",
            received=f"compressed files, such as {packed[0]}" if packed else f"{len(states)} files",
            where=location.where(""),
            fix="decompress them" if packed else None,
        )
    return location, *_listed({name: states[name] for name in tars})


def _states(location: Location, pattern: str) -> dict[str, tuple[int, str]]:
    """(bytes, version) of each file of a pattern. Raises DataError if one is missing."""
    if re.search(r"[*?\[]", pattern):
        states = {
            name: state
            for name, state in location.files().items()
            if any(fnmatchcase(name, part) for part in expanded(pattern))
        }
        if not states:
            raise MissingSplitError("There are no shards", where=location.where(pattern))
        return states
    names = list(dict.fromkeys(expanded(pattern)))
    states, errors = {}, []
    with ThreadPoolExecutor(_STATES_AT_ONCE) as pool:
        for name, future in [(name, pool.submit(location.state, name)) for name in names]:
            try:
                states[name] = future.result()
            except DataError as error:
                errors.append(error)
    if errors:
        raise DataError(
            f"{len(errors)} of {len(names)} shards cannot be read. {errors[0].what}",
            expected=f"{names[0]} to {names[-1]}",
            where=errors[0].where,
        )
    return states


def _files_below(location: Location) -> dict[str, tuple[int, str]]:
    try:
        return location.files()
    except DataError:  # there is no such folder
        return {}


def _listed(states: dict[str, tuple[int, str]]) -> tuple[list[ShardFile], list[str]]:
    files = [ShardFile(name, size, version=version) for name, (size, version) in states.items()]
    return files, [version for _, version in states.values()]


class TarIndices:
    """Indices of tar files, which are made once and stored.

    Args:
        location: folder of the files.
        files: of the split.
        versions: of the files.
        folder: where indices are stored; None: beside the files, or in the user's cache folder.

    Attributes:
        shards: the files with their numbers of samples; those without samples are left out.
        classes: 1 + the largest number in files `.cls`.
    """

    def __init__(
        self,
        location: Location,
        files: Sequence[ShardFile],
        versions: Sequence[str],
        folder: Path | None,
    ) -> None:
        self._location, self._folder = location, folder
        candidates = [_shard(file, version) for file, version in zip(files, versions)]
        facts = {shard.name: self._stored_facts(shard) for shard in candidates}
        missing = [shard for shard in candidates if facts[shard.name] is None]
        if missing and location.is_remote:
            size = sum(shard.files[0].size for shard in missing)
            _log.warning(
                "%d of %d tar files are read once to index them (%.1f GB)",
                *(len(missing), len(candidates), size / 1e9),
            )
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            indices = pool.map(self._indexed, missing)
            facts.update(zip([shard.name for shard in missing], indices))
        shards: list[Shard] = []
        self._extensions: dict[str, list[list[str]]] = {}
        self.classes = 0
        for shard in candidates:
            count, extensions, classes = facts[shard.name] or (0, [], 0)
            self._extensions[shard.name] = extensions
            self.classes = max(self.classes, classes)
            if count:
                shards.append(replace(shard, samples=count))
        self.shards = tuple(shards)

    def extensions_of(self, shard: Shard) -> list[list[str]]:
        """Distinct lists of extensions of a shard's samples."""
        return self._extensions[shard.name]

    def index(self, shard: Shard) -> TarIndex:
        """Index of a shard, read from its file if it is not stored."""
        stored = next(filter(None, map(TarIndex.load, self._paths(shard))), None)
        if stored is not None:
            return stored
        opened = self._location.open(shard)
        try:
            name = shard.files[0].name
            index = scan(opened.folder / name, self._location.where(name))
            self._location.confirm(shard)
        finally:
            opened.release()
        for path in self._paths(shard):
            index.store(path)
            if path.exists():
                break
        return index

    def _indexed(self, shard: Shard) -> tuple[int, list[list[str]], int]:
        """Make the index of a shard; see `TarIndex.facts`."""
        index = self.index(shard)
        return len(index), index.extensions, index.classes

    def _stored_facts(self, shard: Shard) -> tuple[int, list[list[str]], int] | None:
        return next(filter(None, map(TarIndex.facts, self._paths(shard))), None)

    def _paths(self, shard: Shard) -> Iterator[Path]:
        name = f"{shard.files[0].name}-{shard.version}.columns"
        if self._folder is not None:
            yield self._folder / name
        else:
            yield from cache_files(Path(self._location.where(shard.files[0].name)), name)


def _shard(file: ShardFile, version: str) -> Shard:
    digest = sha256(f"{file.name} {file.size} {version}".encode()).hexdigest()[:12]
    return Shard(file.name.removesuffix(TAR), 0, digest, (file,))
