"""What all formats of predictions share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from densefit.errors import writing
from densefit.model.network import Network
from densefit.tools.predicting.coco_numbers import CocoNumbers
from densefit.tools.predicting.pipeline import Result


@dataclass(frozen=True)
class Context:
    """What writers know of the work.

    Attributes:
        out: output folder.
        network: network that predicts.
        numbers: ids of images and categories in COCO's files.
    """

    out: Path
    network: Network
    numbers: CocoNumbers


class Writer(ABC):
    """Writes the predictions of one image after another.

    Args:
        context: the work.
    """

    def __init__(self, context: Context) -> None:
        self.out, self.network, self.numbers = context.out, context.network, context.numbers

    @staticmethod
    def names(key: str, heads: Sequence[str]) -> list[str]:
        """Names of the files that may be written for an image, below the output folder."""
        return []

    @abstractmethod
    def add(self, result: Result) -> None:
        """Write the predictions for an image; may be called for frames of a video, in order."""

    def finish(self) -> list[str]:
        """Finish files of several images; returns what was written, in a few words each."""
        return []

    def abort(self) -> None:
        """Close files after an error."""
        return

    def write(self, name: str, content: str) -> None:
        """Write a text file below the output folder."""
        path = self.out / name
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")


def objects_of(prediction: Any) -> bool:
    """Whether a prediction is a dict of objects with boxes and scores."""
    return isinstance(prediction, dict) and {"boxes", "scores", "classes"} <= prediction.keys()


def stem_of(key: str) -> str:
    """The name of an image without its extension, with slashes."""
    return Path(key).with_suffix("").as_posix()
