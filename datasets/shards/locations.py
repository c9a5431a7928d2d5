"""Where shards lie: a local folder, or an address of fsspec with copies in a cache."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from densefit.data.io.regular_file import open_regular, read_regular
from densefit.errors import ConfigError, DataError

from .shard_cache import LocalCopy, RemoteFile, ShardCache
from .shard_list import Shard, ShardFile

_BLOCK = 1 << 22
_AHEAD = 1 << 20  # bytes that the system is asked to read at once
_MOST_BYTES = 1 << 30  # of a list
#: Entries of a file's description in fsspec that change with its content.
_VERSIONS = (
    "ETag",
    "etag",
    "md5Hash",
    "mtime",
    "LastModified",
    "last_modified",
    "updated",
    "created",
)


class OpenShard:
    """Files of a shard in a folder, which stay until this object is released.

    Attributes:
        folder: of the files.
    """

    def __init__(self, folder: Path, copies: Sequence[LocalCopy] = ()) -> None:
        self.folder, self._copies = folder, copies

    def release(self) -> None:
        """Allow a cache to remove the files."""
        for copy in self._copies:
            copy.release()


class Location(Protocol):
    """A folder of shards.

    Attributes:
        is_remote: whether opening a shard copies it.
    """

    is_remote: bool

    def read(self, name: str) -> bytes | None:
        """Content of a small file; None if there is none."""

    def files(self) -> dict[str, tuple[int, str]]:
        """Name of each file -> (bytes, version)."""

    def state(self, name: str) -> tuple[int, str]:
        """(bytes, version) of a file. Raises DataError if there is none."""

    def below(self, name: str) -> Location:
        """A folder in this folder."""

    def open(self, shard: Shard) -> OpenShard:
        """Make the files of a shard local. Raises DataError if that fails."""

    def read_ahead(self, shard: Shard) -> None:
        """Prepare a shard that is opened soon."""

    def where(self, name: str) -> str:
        """Path or address of a file."""


class LocalFolder:
    """A folder of this machine.

    Args:
        root: the folder.
    """

    is_remote = False

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, name: str) -> bytes | None:
        path = self.root / name
        return read_regular(path, _MOST_BYTES) if path.exists() else None

    def files(self) -> dict[str, tuple[int, str]]:
        try:
            names = sorted(os.listdir(self.root))
        except OSError as error:
            raise DataError(
                f"The folder of shards cannot be read: {error.strerror}", where=self.root
            ) from error
        return {name: self.state(name) for name in names if (self.root / name).is_file()}

    def state(self, name: str) -> tuple[int, str]:
        try:
            status = os.stat(self.root / name)
        except OSError as error:
            raise DataError(
                f"A shard cannot be read: {error.strerror}", where=self.root / name
            ) from error
        return status.st_size, str(status.st_mtime_ns)

    def below(self, name: str) -> LocalFolder:
        return LocalFolder(self.root / name)

    def open(self, shard: Shard) -> OpenShard:
        for file in shard.files:
            path = self.root / file.name
            size, _ = self.state(file.name)
            if size != file.size:
                raise DataError(
                    "A file of a shard is cut short, or of another packing than the list of shards",
                    expected=f"{file.size} bytes",
                    received=f"{size} bytes",
                    where=path,
                    fix="fetch the file again, or pack the dataset again",
                )
        return OpenShard(self.root)

    def read_ahead(self, shard: Shard) -> None:
        """Ask the system to read a shard from its start to its end into the page cache."""
        if not hasattr(os, "posix_fadvise"):
            return
        for file in shard.files:
            with suppress(DataError, OSError):  # it is told when the shard is opened
                descriptor, size = open_regular(self.root / file.name)
                try:
                    for offset in range(0, size, _AHEAD):  # Linux reads no more per call
                        os.posix_fadvise(descriptor, offset, _AHEAD, os.POSIX_FADV_WILLNEED)
                finally:
                    os.close(descriptor)

    def where(self, name: str) -> str:
        return str(self.root / name)


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
            return bytes(system.cat_file(f"{path}/{name}"))
        except FileNotFoundError:
            return None
        except Exception as error:  # each kind of storage has its own
            raise _unreadable(self.where(name), error) from error

    def files(self) -> dict[str, tuple[int, str]]:
        system, path = self._system
        try:
            entries = system.ls(path, detail=True)
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
            return _state(system.info(f"{path}/{name}"))
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

    def read_ahead(self, shard: Shard) -> None:
        """Copy the files of a shard to the cache."""
        with suppress(DataError, ConfigError):  # it is told when the shard is opened
            self.open(shard).release()

    def where(self, name: str) -> str:
        return f"{self.address}/{name}"

    def _remote(self, shard: Shard, file: ShardFile) -> RemoteFile:
        def blocks() -> Iterator[bytes]:
            system, path = self._system
            with system.open(f"{path}/{file.name}", "rb") as stream:
                while block := stream.read(_BLOCK):
                    yield block

        def check(pieces: Iterable[bytes]) -> Iterator[bytes]:
            return _whole(pieces, file, self.where(file.name))

        name = f"{self._folder}/{shard.version}/{file.name}"
        return RemoteFile(name, self.where(file.name), file.size, check, blocks)


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


def _state(entry: Mapping[str, Any]) -> tuple[int, str]:
    """(bytes, version) of a file as fsspec describes it."""
    size = entry.get("size")
    if not isinstance(size, int):
        raise DataError("The storage does not tell the size of a shard", where=entry.get("name"))
    return size, str([entry[key] for key in _VERSIONS if key in entry])


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
