"""Images with their predictions drawn on them, and videos of such images."""

from __future__ import annotations

from collections.abc import Sequence

from densefit.tools.predicting.pipeline import Result
from densefit.tools.report.pictures import drawn, write_image

from .drawn_video import DrawnVideo
from .writer import Context, Writer


class Drawings(Writer):
    """`<image>`, or `<video>.mp4` for the frames of a video."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._video: DrawnVideo | None = None
        self._notes: list[str] = []

    @staticmethod
    def names(key: str, heads: Sequence[str]) -> list[str]:
        return [key]

    def add(self, result: Result) -> None:
        picture = drawn(self.network, result.image, result.predictions)
        video = result.item.video
        if video is None:
            self._close()
            write_image(self.out / result.item.key, picture)
            return
        if self._video is None or self._video.frames is not video:
            self._close()
            self._video = DrawnVideo(self.out / f"{result.item.key.split('/')[0]}.mp4", video)
        self._video.add(picture)

    def finish(self) -> list[str]:
        self._close()
        return self._notes

    def abort(self) -> None:
        if self._video is not None:
            self._video.abort()

    def _close(self) -> None:
        if self._video is not None:
            self._notes.append(self._video.finish())
            self._video = None
