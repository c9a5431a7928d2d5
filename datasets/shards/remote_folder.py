"""Shards at an address of fsspec, with copies in a cache."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from densefit.errors import ConfigError, DataError

from .cached_file import LocalCopy, RemoteFile
from .location import OpenShard
from .retries import retried
from .shard_cache import ShardCache
from .shard_list import Shard, ShardFile

_log = logging.getLogger("densefit")
_BLOCK = 1 << 22
#: Entries of a file's description in fsspec that change with its content: a hash, the same however
#: it was asked for, or a time.
_TAGS = ("ETag", "etag", "md5Hash", "blob_id", "sha", "content_hash", "checksum")
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "modify", "modified", "created")
_TAG = "tag "


class RemoteFolder:
    """An address that fsspec knows, such as s3://bucket/folder.

    Args:
        address: of the folder.
        cache: of the copies.
        storage_options: of the file system, see fsspec.
    """

    is_remote = True

    def __init__(
        self, address: str, cache: ShardCache, storage_options: Mapping[str, Any] | None
    ) -> None:
        self.address, self.cache = address.rstrip("/"), cache
        self._options = dict(storage_options or {})
        self._folder = sha256(self.address.encode()).hexdigest()[:16]

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_system"}

    @cached_property
    def _system(self) -> tuple[Any, str]:
        """File system, and its path of the folder."""
        fsspec = _fsspec(self.address)
        try:
            system, path = fsspec.core.url_to_fs(self.address, **self._options)
        except (ValueError, ImportError, TypeError) as error:
            raise ConfigError(
                f"The address of shards cannot be used: {error}", where=self.address
            ) from error
        return system, str(path).rstrip("/")

    def read(self, name: str) -> bytes | None:
        system, path = self._system
        try:
            return bytes(retried(lambda: system.cat_file(f"{path}/{name}"), self.where(name)))
        except FileNotFoundError:
            return None
        except Exception as error:  # each kind of storage has its own
            raise _unreadable(self.where(name), error) from error

    def files(self) -> dict[str, tuple[int, str]]:
        system, path = self._system
        try:
            entries = retried(lambda: system.ls(path, detail=True), self.address)
        except FileNotFoundError:
            return {}
        except Exception as error:
            raise _unreadable(self.address, error) from error
        states = {
            entry["name"].rstrip("/").rpartition("/")[2]: _state(entry)
            for entry in entries
            if entry["type"] == "file"
        }
        return dict(sorted(states.items()))

    def state(self, name: str) -> tuple[int, str]:
        system, path = self._system
        try:
            return _state(retried(lambda: system.info(f"{path}/{name}"), self.where(name)))
        except Exception as error:
            raise _unreadable(self.where(name), error) from error

    def below(self, name: str) -> RemoteFolder:
        return RemoteFolder(f"{self.address}/{name}", self.cache, self._options)

    def open(self, shard: Shard) -> OpenShard:
        copies: list[LocalCopy] = []
        try:
            for file in shard.files:
                copies.append(self.cache.open(self._remote(shard, file)))
        except BaseException:
            OpenShard(Path(), copies).release()
            raise
        return OpenShard(copies[0].path.parent, copies)

    def confirm(self, shard: Shard) -> None:
        pass  # the files were compared with the list when they were copied

    def read_ahead(self, shard: Shard) -> None:
        """Copy the files of a shard to the cache."""
        with suppress(DataError, ConfigError):  # it is told when the shard is opened
            self.open(shard).release()

    def remove_damaged(self, shard: Shard) -> bool:
        for file in shard.files:
            path = self.cache.folder / self._copy_name(shard, file)
            if file.crc32 is not None and path.is_file() and _crc(path) != file.crc32:
                _log.warning("%s is damaged, and is copied again", path)
                path.unlink(missing_ok=True)
                return True
        return False

    def where(self, name: str) -> str:
        return f"{self.address}/{name}"

    def _remote(self, shard: Shard, file: ShardFile) -> RemoteFile:
        def blocks() -> Iterator[bytes]:
            system, path = self._system
            before = None if file.version is None else self.state(file.name)[1]
            with system.open(f"{path}/{file.name}", "rb") as stream:
                while block := stream.read(_BLOCK):
                    yield block
            if before is not None:
                self._check_version(file, before)

        def check(pieces: Iterable[bytes]) -> Iterator[bytes]:
            return _whole(pieces, file, self.where(file.name))

        name = self._copy_name(shard, file)
        return RemoteFile(name, self.where(file.name), file.size, check, blocks)

    def _copy_name(self, shard: Shard, file: ShardFile) -> str:
        return f"{self._folder}/{shard.version}/{file.name}"

    def _check_version(self, file: ShardFile, before: str) -> None:
        """Raise DataError if a file was replaced during a download, or since it was listed.

        Times are not compared with those of the list: some storages write them in several forms.
        """
        _, now = self.state(file.name)
        listed = str(file.version)
        if now != before or (now != listed and now.startswith(_TAG) and listed.startswith(_TAG)):
            raise DataError(
                "A shard was replaced since it was listed",
                where=self.where(file.name),
                fix="start again, without changing the shards meanwhile",
            )


def is_address(root: object) -> bool:
    """Whether a root is an address of fsspec, and no local path."""
    return "://" in str(root)


def _whole(blocks: Iterable[bytes], file: ShardFile, where: str) -> Iterator[bytes]:
    """Pass blocks through. Raises DataError unless they are the whole file."""
    size = crc = 0
    for block in blocks:
        size += len(block)
        crc = zlib.crc32(block, crc) if file.crc32 is not None else 0
        if size <= file.size:
            yield block
    if size != file.size or file.crc32 not in (None, crc):
        raise DataError(
            "A shard was not downloaded whole, or was replaced since it was listed",
            expected=f"{file.size} bytes" + ("" if file.crc32 is None else f", crc32 {file.crc32}"),
            received=f"{size} bytes" + ("" if file.crc32 is None else f", crc32 {crc}"),
            where=where,
            fix="upload the shard again, or pack the dataset again",
        )


def _crc(path: Path) -> int:
    crc = 0
    with open(path, "rb") as stream:
        while block := stream.read(_BLOCK):
            crc = zlib.crc32(block, crc)
    return crc


def _state(entry: Mapping[str, Any]) -> tuple[int, str]:
    """(bytes, version) of a file as fsspec describes it."""
    size = entry.get("size")
    if not isinstance(size, int):
        raise DataError("The storage does not tell the size of a shard", where=entry.get("name"))
    tags = [str(entry[key]) for key in _TAGS if entry.get(key)]
    if tags:
        return size, _TAG + tags[0].removeprefix("W/").strip('"')
    return size, str([entry[key] for key in _TIMES if key in entry])


def _unreadable(where: str, error: Exception) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError("A shard is not there any more, or never was", where=where)
    if isinstance(error, DataError):
        return error
    return DataError(f"The shards cannot be read: {type(error).__name__}: {error}", where=where)


def _fsspec(address: str) -> Any:
    try:
        import fsspec.core
    except ImportError as error:
        raise ConfigError(
            "Shards at an address are read by fsspec, which is not installed",
            received=address,
            fix="pip install 'densefit[remote]', and what the storage needs: s3fs, gcsfs, adlfs",
        ) from error
    return fsspec
