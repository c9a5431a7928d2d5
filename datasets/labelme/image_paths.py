"""Which image a JSON file of labelme is of."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable

from densefit.errors import DataError

from .label_file import LabelFile


class ImagePaths:
    """The images of a folder, by path and by name.

    Args:
        paths: of the images below the folder, with slashes.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = set(paths)
        self._by_name: dict[str, list[str]] = {}
        self._by_stem: dict[str, list[str]] = {}  # by path, and by name alone
        for path in sorted(self._paths):
            name = posixpath.basename(path)
            self._by_name.setdefault(name, []).append(path)
            for stem in {_stem(path), _stem(name)}:
                self._by_stem.setdefault(stem, []).append(path)

    def of(self, file: LabelFile, below: str) -> str:
        r"""The image of a file; the path where it should be if there is none.

        `imagePath` counts from the JSON file on, and may be one of Windows: `..\images\a.jpg`.
        Files are moved and renamed. So these are tried in turn: that path; the image that is called
        as the JSON file, in the same folder; the only image of the name in `imagePath`; the only
        one that is called as the JSON file.

        Args:
            file: the JSON file.
            below: its path below the folder of all JSON files, with slashes.

        Raises:
            DataError: several images have the name, and no path tells which is meant.
        """
        stated = file.image_path.replace("\\", "/")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(below), stated))
        if path in self._paths:
            return path
        name = posixpath.basename(stated)
        beside = [p for p in self._by_stem.get(_stem(below), []) if _stem(p) == _stem(below)]
        called = self._by_name.get(name, []) if name else []
        for paths in (
            [p for p in beside if posixpath.basename(p) == name] or beside,
            called,
            self._by_stem.get(_stem(posixpath.basename(below)), []),
        ):
            if len(paths) == 1:
                return paths[0]
            if paths:
                raise DataError(
                    "Several images may be meant by an annotation file",
                    expected="an imagePath from the file on, or images of different names",
                    received=f"imagePath {file.image_path!r:.200}; {', '.join(paths[:4])}",
                    where=file.path,
                )
        is_below = stated and not path.startswith(("../", "/")) and ":" not in path
        return path if is_below else posixpath.join(posixpath.dirname(below), name or _stem(below))

    def stem_of(self, below: str) -> str:
        """The image that is called as a JSON file that cannot be read; its stem if there is none.

        Args:
            below: see `of`.
        """
        beside = [p for p in self._by_stem.get(_stem(below), []) if _stem(p) == _stem(below)]
        return (beside or [_stem(below)])[0]


def _stem(path: str) -> str:
    return os.path.splitext(path)[0]
