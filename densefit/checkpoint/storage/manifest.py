"""Manifest of a checkpoint: size and SHA-256 of each file, and a serial number.

Files are read through the manifest only: a file is a plain file of the checkpoint's directory,
complete and unchanged, or an error names it. The manifest is protected by its own SHA-256.
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
    """Files of a checkpoint and its serial number.

    Attributes:
        serial: position in the order of writing, from 1.
        files: name -> (bytes, SHA-256 in hex digits).
    """

    serial: int
    files: Mapping[str, tuple[int, str]]

    def dumps(self) -> bytes:
        """Serialize the manifest."""
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
    def read(cls, directory: Path) -> Manifest:
        """Read the manifest of a checkpoint.

        Raises:
            CheckpointError: the manifest is missing, damaged, or from a newer densefit.
        """
        path = directory / FILE
        data = plain_file.read(path, most=MAX_BYTES)
        try:
            content = strict_json.parse(bytes(data))
            version = content["format"]
            if type(version) is int and version > FORMAT:
                raise CheckpointError(
                    "The checkpoint is of a newer densefit",
                    expected=f"format {FORMAT}",
                    received=f"format {version}",
                    where=directory,
                    fix="pip install -U densefit",
                )
            return _checked(content)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise damaged(path, f"not a manifest ({type(error).__name__}: {error})") from error

    def check_size(self, directory: Path, file: str) -> None:
        """Check that a file of the checkpoint exists and has its recorded size.

        Raises:
            CheckpointError: the file is missing, or too long or short.
        """
        plain_file.check_size(directory / file, self._entry(directory, file)[0])

    def content(self, directory: Path, file: str) -> bytearray:
        """Read a file of the checkpoint and check its SHA-256.

        Raises:
            CheckpointError: the file is missing, too long or short, or changed.
        """
        size, digest = self._entry(directory, file)
        data = plain_file.read(directory / file, size)
        if hashlib.sha256(data).hexdigest() != digest:
            raise damaged(
                directory / file, "the content has changed since it was written (SHA-256)"
            )
        return data

    def verify(self, directory: Path) -> None:
        """Check that every file of the checkpoint is unchanged.

        Raises:
            CheckpointError: a file is missing or changed.
        """
        for file in self.files:
            self.check_size(directory, file)
        for file in self.files:
            self.content(directory, file)

    def _entry(self, directory: Path, file: str) -> tuple[int, str]:
        if file not in self.files:
            raise damaged(directory / file, "the manifest does not have the file")
        return self.files[file]


def _own_sum(content: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in content.items() if key != "sha256"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _checked(content: Any) -> Manifest:
    """Validate parsed JSON and return the manifest.

    Raises:
        ValueError: it is not a manifest, or has changed since it was written.
        KeyError, TypeError, AttributeError: likewise.
    """
    version, serial = content["format"], content["serial"]
    if any(type(number) is not int or number < 1 for number in (version, serial)):
        raise ValueError("its numbers are none")
    expected = {"format", "serial", "files"} | ({"sha256"} if version > 1 else set())
    if content.keys() != expected:
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
