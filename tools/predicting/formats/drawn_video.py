"""A video file of drawn frames, with the sound of the original where ffmpeg is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np

from densefit.errors import DataError
from densefit.tools.predicting.frames import Frames

_SLOWEST = 3600  # seconds that ffmpeg may take


class DrawnVideo:
    """Writes frames to an MP4 file (MPEG-4 Part 2, which OpenCV encodes without further software).

    Args:
        path: the file; a file of that name is replaced when the video is finished.
        frames: the video that the frames are of.
    """

    def __init__(self, path: Path, frames: Frames) -> None:
        self.path, self.frames = path, frames
        self._part = path.with_name(f"{path.stem}.part.mp4")
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def add(self, image: np.ndarray) -> None:
        """Write a frame, (H, W, 3) uint8 RGB, resized to the size of the first.

        Raises:
            DataError: the file cannot be written.
        """
        if self._writer is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            height, width = image.shape[:2]
            self._size = (width - width % 2, height - height % 2)  # encoders take even sides
            code = cv2.VideoWriter.fourcc(*"mp4v")
            self._writer = cv2.VideoWriter(str(self._part), code, self.frames.rate, self._size)
            if not self._writer.isOpened():
                raise DataError("The video cannot be written", where=self.path)
        width, height = self._size
        if image.shape[0] < height or image.shape[1] < width:
            image = cv2.resize(image, self._size)
        self._writer.write(cv2.cvtColor(image[:height, :width], cv2.COLOR_RGB2BGR))

    def finish(self) -> str:
        """Finish the file; returns its name and what became of the sound."""
        if self._writer is not None:
            self._writer.release()
        source = self.frames.source
        program = shutil.which("ffmpeg")
        if not isinstance(source, Path):
            os.replace(self._part, self.path)
            return self.path.name
        if program is None:
            os.replace(self._part, self.path)
            return f"{self.path.name} (without sound: ffmpeg is not installed)"
        for sound in ("copy", "aac"):  # as it is, else in a codec that MP4 files have
            if self._join(program, source, sound):
                return self.path.name
        os.replace(self._part, self.path)
        return f"{self.path.name} (without sound: ffmpeg could not add it)"

    def _join(self, program: str, source: Path, sound: str) -> bool:
        """Add the sound of the original, if it has any; returns whether that worked."""
        joined = self.path.with_name(f"{self.path.stem}.sound.mp4")
        command = [program, "-nostdin", "-y", "-loglevel", "error"]
        # A path that begins with a hyphen, or looks like an address, is a file here.
        command += ["-i", f"file:{self._part}", "-i", f"file:{source}", "-map", "0:v", "-map"]
        command += ["1:a?", "-c:v", "copy", "-c:a", sound, f"file:{joined}"]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_SLOWEST, check=False)
            is_joined = done.returncode == 0 and joined.is_file()
        except (OSError, subprocess.TimeoutExpired):
            is_joined = False
        if is_joined:
            os.replace(joined, self.path)
            self._part.unlink(missing_ok=True)
        else:
            joined.unlink(missing_ok=True)
        return is_joined

    def abort(self) -> None:
        """Remove an unfinished file."""
        if self._writer is not None:
            self._writer.release()
        self._part.unlink(missing_ok=True)
