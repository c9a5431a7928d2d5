"""What the labels of records were, in a file that the next start reads instead of all labels."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from densefit.datasets.files.cache_folder import cache_files

_FORMAT = 1
#: Smaller files are looked through as fast.
SMALLEST_BYTES = 1 << 20
_LONGEST = 1 << 20
_JUST_NOW = 2_000_000_000  # ns; what changed so recently may change again within one time stamp


class SurveyFile:
    """Loads and stores what was found in a file of records.

    Args:
        path: the `.rec` file; it and the `.idx` beside it are known by size and time.
        settings: all else that decides what is found.
    """

    def __init__(self, path: Path, settings: str) -> None:
        self._files: list[Path] = []
        with suppress(OSError):
            states: list[tuple[str, int, int]] = []
            for file in (path, path.with_suffix(".idx")):
                if file is path or file.exists():
                    status = os.stat(file)
                    states.append((file.name, status.st_size, status.st_mtime_ns))
            self._key = json.dumps([_FORMAT, settings, os.path.abspath(path), states])
            is_fresh = max(time_ns for *_, time_ns in states) > time.time_ns() - _JUST_NOW
            if states[0][1] >= SMALLEST_BYTES and not is_fresh:
                name = sha256(self._key.encode("utf-8", "surrogatepass")).hexdigest()[:12]
                self._files = cache_files(path, f"record-{name}.json")

    def load(self) -> dict[str, Any] | None:
        """What was found; None if it is not stored."""
        for file in self._files:
            try:
                if os.path.getsize(file) <= _LONGEST:
                    content = json.loads(file.read_text("utf-8"))
                    if content["key"] == self._key:
                        return dict(content["state"])
            except (OSError, ValueError, LookupError, TypeError, RecursionError):
                continue
        return None

    def store(self, state: Mapping[str, Any]) -> None:
        """Store what was found, where a folder can be written to."""
        for file in self._files:
            temporary = file.with_name(f".{file.name}-{secrets.token_hex(4)}")
            with suppress(OSError):
                file.parent.mkdir(parents=True, exist_ok=True)
                temporary.write_text(json.dumps({"key": self._key, "state": state}), "utf-8")
                os.replace(temporary, file)
                return
