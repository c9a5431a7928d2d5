"""What is in folders, in one look at each: whether what was read of them still holds."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from .pictures import is_left_behind

_DEEPEST = 64  # folders
#: What changes beside data and is none.
_NO_DATA = frozenset((".densefit", ".DS_Store", ".git", ".dvc", ".ipynb_checkpoints"))


@dataclass(frozen=True)
class FolderState:
    """State of all that lies in folders and below them.

    Attributes:
        digest: of the names of all files, and of sizes and times of annotation files.
        bytes: of all annotation files.
        newest: time of the latest change of one, in ns; 0 if there is none.
    """

    digest: str
    bytes: int
    newest: int


def folder_state(folders: Iterable[Path], endings: Sequence[str] = ()) -> FolderState:
    """Look at folders and at those below; links are followed.

    Args:
        folders: that are searched; one that lies below another is searched once.
        endings: of annotation files, in small letters: (".xml",).
    """
    walk = _Walk(tuple(endings))
    roots = sorted({os.path.abspath(folder) for folder in folders})
    for number, root in enumerate(roots):
        if not any(root.startswith(os.path.join(above, "")) for above in roots[:number]):
            walk.add(root, frozenset())
    sizes, times = walk.states[0::2], walk.states[1::2]
    walk.hash.update(walk.states.tobytes())
    return FolderState(walk.hash.hexdigest(), sum(sizes), max(times, default=0))


class _Walk:
    """Collects what `folder_state` gives."""

    def __init__(self, endings: tuple[str, ...]) -> None:
        self._endings = endings
        self.hash = sha256()
        self.states = array("q")  # size, time in ns of each annotation file

    def add(self, folder: str, above: frozenset[tuple[int, int]]) -> None:
        """Add a folder and those in it."""
        try:
            status = os.stat(folder)
            with os.scandir(folder) as entries:
                present = {entry.name: entry for entry in entries if entry.name not in _NO_DATA}
        except OSError as error:
            self.hash.update(os.fsencode(f"{folder}\0{error.errno}\n"))
            return
        names = sorted(present)
        self.hash.update(os.fsencode("\0".join([folder, *names, "\n"])))
        above = above | {(status.st_dev, status.st_ino)}
        inner = [name for name in names if present[name].is_dir()]
        for name in names if self._endings else ():
            if name.lower().endswith(self._endings):
                self._add_file(present[name])
        for name in inner if len(above) < _DEEPEST else ():
            target = present[name].stat()
            if not is_left_behind(name) and (target.st_dev, target.st_ino) not in above:
                self.add(os.path.join(folder, name), above)

    def _add_file(self, entry: os.DirEntry[str]) -> None:
        try:
            status = entry.stat()
        except OSError:
            self.states.extend((-1, 0))
        else:
            self.states.extend((status.st_size, status.st_mtime_ns))
