"""Unique names of the files that are written for samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable


class FileNames:
    """Make unique file names; where two samples would share a file, the later one gets a number.

    Names are compared without case, as on the disks of macOS and Windows.

    Args:
        files: function from the name of a sample to all files that are written for it.

    >>> names = FileNames(lambda name: [name, name[:-4] + ".seg.png"])
    >>> names.take("a", ".jpg"), names.take("a", ".png"), names.take("a.seg", ".png")
    ('a.jpg', 'a-2.png', 'a.seg-2.png')
    """

    def __init__(self, files: Callable[[str], Iterable[str]]) -> None:
        self._files = files
        self._taken: set[str] = set()

    def take(self, stem: str, suffix: str) -> str:
        """Join `stem` and `suffix`, with a number in between if a file of that name is taken."""
        name, number = f"{stem}{suffix}", 1
        while not self._taken.isdisjoint(files := self._written(name)):
            number += 1
            name = f"{stem}-{number}{suffix}"
        self._taken |= files
        return name

    def _written(self, name: str) -> set[str]:
        return {file.casefold() for file in self._files(name)}
