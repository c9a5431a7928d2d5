"""The manifest of a checkpoint: its files with size and SHA-256, and its place in the order.

Files are taken from a checkpoint by its manifest only: plain files of the checkpoint's own
directory, whole and unchanged, or an error that names the file. The manifest has a sum of its own.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from densefit.checkpoint.storage import plain_file, strict_json
from densefit.checkpoint.storage.plain_file import damaged
from densefit.errors import CheckpointError

FORMAT = 2  # 1 had no sum of the manifest's own
FILE = "manifest.json"
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")
MAX_BYTES = 1 << 20

_SUM = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Manifest:
    """What a checkpoint holds.

    Attributes:
        serial: place in the order of writing, from 1.
        files: name -> (bytes, SHA-256 in hex digits).
    """

    serial: int
    files: Mapping[str, tuple[int, str]]

    def dumps(self) -> bytes:
        """The manifest as a file."""
        content: dict[str, Any] = {
            "format": FORMAT,
            "serial": self.serial,
            "files": {
                name: {"bytes": size, "sha256": digest}
                for name, (size, digest) in self.files.items()
            },
        }
        content["sha256"] = _own_sum(content)
        return json.dumps(content, indent=1).encode()

    @classmethod
    def read(cls, place: Path) -> Manifest:
        """The manifest of the checkpoint that lies at `place`.

        Raises:
            CheckpointError: it is missing, damaged, or of a newer densefit.
        """
        path = place / FILE
        data = plain_file.read(path, most=MAX_BYTES)
        try:
            content = strict_json.parse(bytes(data))
            version = content["format"]
            if type(version) is int and version > FORMAT:
                raise CheckpointError(
                    "The checkpoint is of a newer densefit",
                    expected=f"format {FORMAT}",
                    received=f"format {version}",
                    where=place,
                    fix="pip install -U densefit",
                )
            return _checked(content)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise damaged(path, f"not a manifest ({type(error).__name__}: {error})") from error

    def check_size(self, place: Path, file: str) -> None:
        """Whether a file of the checkpoint at `place` is there, and as long as it was.

        Raises:
            CheckpointError: it is not.
        """
        plain_file.check_size(place / file, self._entry(place, file)[0])

    def content(self, place: Path, file: str) -> bytearray:
        """The bytes of a file of the checkpoint at `place`, checked.

        Raises:
            CheckpointError: it is missing, too long or short, or changed.
        """
        size, digest = self._entry(place, file)
        data = plain_file.read(place / file, size)
        if hashlib.sha256(data).hexdigest() != digest:
            raise damaged(place / file, "the content has changed since it was written (SHA-256)")
        return data

    def verify(self, place: Path) -> None:
        """Whether every file of the checkpoint at `place` is as it was written.

        Raises:
            CheckpointError: one is not.
        """
        for file in self.files:
            self.check_size(place, file)
        for file in self.files:
            self.content(place, file)

    def _entry(self, place: Path, file: str) -> tuple[int, str]:
        if file not in self.files:
            raise damaged(place / file, "the manifest does not have the file")
        return self.files[file]


def _own_sum(content: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in content.items() if key != "sha256"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _checked(content: Any) -> Manifest:
    """A manifest out of JSON of which nothing is known yet.

    Raises:
        ValueError: it is not a manifest, or has changed since it was written.
        KeyError, TypeError, AttributeError: likewise.
    """
    version, serial = content["format"], content["serial"]
    if any(type(number) is not int or number < 1 for number in (version, serial)):
        raise ValueError("its numbers are none")
    known = {"format", "serial", "files"} | ({"sha256"} if version > 1 else set())
    if content.keys() != known:
        raise ValueError("it has other keys")
    files = {}
    for name, entry in content["files"].items():
        size, digest = entry["bytes"], entry["sha256"]
        if not NAME.fullmatch(name) or name == FILE or len(entry) != 2:
            raise ValueError(f"it names the file {name!r:.80}")
        if type(size) is not int or size < 0 or not _SUM.fullmatch(digest):
            raise ValueError(f"it has no size and no SHA-256 of {name}")
        files[name] = (size, digest)
    if version > 1 and content["sha256"] != _own_sum(content):
        raise ValueError("it has changed since it was written (SHA-256)")
    return Manifest(serial, files)
