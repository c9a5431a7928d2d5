"""Where caches of annotations lie: beside these, or in the user's cache folder."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

#: Names a folder for caches, or is "off".
CACHE = "DENSEFIT_CACHE"
_FOLDER = ".densefit"


def cache_files(source: Path, name: str) -> list[Path]:
    """Paths at which a cache of an annotation file may lie, the preferred one first.

    They are `.densefit/<name>` beside the file, and where that cannot be written,
    `$XDG_CACHE_HOME/densefit` (by default `~/.cache/densefit`). The environment variable
    DENSEFIT_CACHE names another folder for all caches, or turns them off.

    Args:
        source: annotation file, or a folder of these.
        name: of the cache.

    Returns:
        Two paths, or one, or none if caches are off.
    """
    chosen = os.environ.get(CACHE, "")
    if chosen == "off":
        return []
    absolute = os.path.abspath(source)
    apart = f"{hashlib.sha256(os.fsencode(absolute)).hexdigest()[:12]}-{name}"
    if chosen:
        return [Path(chosen) / apart]
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    beside = Path(absolute) if os.path.isdir(absolute) else Path(absolute).parent
    return [beside / _FOLDER / name, Path(home) / "densefit" / apart]
