"""Names of the files that are written for samples, none of them twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable


class FileNames:
    """Hands out file names; where two samples would share a file, the later one gets a number.

    Letters of the two cases are alike, as they are on the disks of macOS and Windows.

    Args:
        files: name of a sample -> all files that are written for it.

    >>> names = FileNames(lambda name: [name, name[:-4] + ".seg.png"])
    >>> names.take("a", ".jpg"), names.take("a", ".png"), names.take("a.seg", ".png")
    ('a.jpg', 'a-2.png', 'a.seg-2.png')
    """

    def __init__(self, files: Callable[[str], Iterable[str]]) -> None:
        self._files = files
        self._taken: set[str] = set()

    def take(self, stem: str, suffix: str) -> str:
        """`stem` and `suffix`, with a number in between if a file of that name is taken."""
        name, number = f"{stem}{suffix}", 1
        while not self._taken.isdisjoint(own := self._written(name)):
            number += 1
            name = f"{stem}-{number}{suffix}"
        self._taken |= own
        return name

    def _written(self, name: str) -> set[str]:
        return {file.casefold() for file in self._files(name)}
