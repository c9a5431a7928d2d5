"""What is named to be predicted: files, folders, patterns, videos, cameras, a list on stdin."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from densefit.errors import ConfigError, DataError

VIDEOS = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".ts", ".3gp")
_CAMERA = re.compile(r"camera:([0-9]{1,4})")
STDIN = "-"


@dataclass
class Inputs:
    """Inputs by their kind, in the order of the command line.

    Attributes:
        pictures: image files, and folders of them.
        videos: video files.
        cameras: numbers of cameras.
        missing: path -> reason, of files of a list that are not there.
    """

    pictures: list[str] = field(default_factory=list)
    videos: list[Path] = field(default_factory=list)
    cameras: list[int] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)

    def add(self, word: str) -> None:
        """Add what a word names; several files if it is a pattern such as `photos/*.jpg`.

        Raises:
            DataError: nothing fits the pattern.
        """
        camera = _CAMERA.fullmatch(word)
        if camera is not None:
            self.cameras.append(int(camera[1]))
        elif not os.path.lexists(word) and glob.has_magic(word):
            paths = sorted(glob.glob(word, recursive=True))
            if not paths:
                raise DataError("No file fits the pattern", received=word)
            for path in paths:
                self._add_path(path)
        else:
            self._add_path(word)

    def add_list(self, lines: Iterable[str]) -> None:
        """Add the paths of a list, one a line; those that are missing are noted."""
        for line in lines:
            path = line.rstrip("\r\n")
            if not path.strip():
                continue
            if os.path.exists(path):
                self._add_path(path)
            else:
                self.missing[path] = "There is no such file or folder"

    def _add_path(self, path: str) -> None:
        if Path(path).suffix.lower() in VIDEOS and not os.path.isdir(path):
            self.videos.append(Path(path))
        else:
            self.pictures.append(path)


def inputs_of(words: Sequence[str], lines: Iterable[str] | None = None) -> Inputs:
    """Sort the words of a command line.

    Args:
        words: paths, patterns, `camera:0`, or `-` for a list of paths on standard input.
        lines: the list on standard input; by default it is read.

    Raises:
        ConfigError: nothing is named.
        DataError: nothing fits a pattern.
    """
    inputs = Inputs()
    for word in words:
        if word == STDIN:
            inputs.add_list(sys.stdin if lines is None else lines)
        else:
            inputs.add(word)
    if not (inputs.pictures or inputs.videos or inputs.cameras or inputs.missing):
        raise ConfigError(
            "No image is given",
            fix="list files or folders; camera:0 is a camera, - a list of paths on standard input",
        )
    return inputs
