"""Samples of an analysis with their drawings inside, for the page."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from densefit.checkpoint.storage import plain_file
from densefit.errors import DensefitError
from densefit.tools.analysis.write import FOLDER
from densefit.tools.report.table import format_score

_LARGEST = 4 << 20  # bytes of a drawing
_RIGHT = "right"
_SIDES = ("image", "truth", "prediction")  # from left to right; the first of some heads alone


@dataclass(frozen=True)
class PageSample:
    """A sample of the page.

    Attributes:
        id: its id.
        value: its score, as text.
        images: (what it shows, data URL) of each drawing.
        size: (height, width) of a drawing in pixels.
        outcomes: (class name, kind, count).
        tokens: "<class index>:<kind index>" of each outcome, for the filter.
    """

    id: str
    value: str
    images: Sequence[tuple[str, str]]
    size: tuple[int, int]
    outcomes: Sequence[tuple[str, str, int]]
    tokens: str


class PictureBudget:
    """Bytes that are left for the drawings of a page.

    Args:
        left: bytes of the page's text.
    """

    def __init__(self, left: int) -> None:
        self.left = left
        self.left_out = 0

    def data_url(self, path: Path) -> str | None:
        """A JPEG as data URL; None if it cannot be read, or there is no room."""
        try:
            data = plain_file.read(path, most=_LARGEST)
        except DensefitError:
            return None
        text = f"data:image/jpeg;base64,{base64.b64encode(data).decode('ascii')}"
        if len(text) > self.left:
            self.left_out += 1
            return None
        self.left -= len(text)
        return text


def page_samples(
    folder: Path, analysis: Mapping[str, Any], kinds: Sequence[str], budget: PictureBudget
) -> list[PageSample]:
    """Samples of a head, without those whose drawings are missing or have no room.

    Args:
        folder: folder of the run.
        analysis: JSON values of the head's analysis.
        kinds: kinds of outcomes, in the order of the filter.
        budget: bytes for the drawings.
    """
    names = analysis.get("classes", [])
    root = (folder / FOLDER).resolve()
    is_inside = folder.resolve() in root.parents
    samples = []
    for entry in analysis.get("shown", ()):
        images = []
        for side in [name for name in _SIDES if name in entry]:
            path = root / str(entry.get(side, ""))
            if is_inside and root in path.resolve().parents:
                url = budget.data_url(path)
                if url is not None:
                    images.append((side, url))
        if not {"truth", "prediction"} <= {side for side, _ in images}:
            continue
        outcomes = [
            (label, _name(names, label), kind, count)
            for label, kind, count in entry.get("outcomes", ())
        ]
        outcomes.sort(key=lambda outcome: (outcome[2] == _RIGHT, outcome[0]))
        value = entry.get("value")
        samples.append(
            PageSample(
                str(entry["id"]),
                format_score(float("nan") if value is None else value),
                images,
                tuple(entry["size"]),
                [(name, kind, count) for _, name, kind, count in outcomes],
                " ".join(f"{label}:{kinds.index(kind)}" for label, _, kind, _ in outcomes),
            )
        )
    return samples


def kinds_of(analysis: Mapping[str, Any]) -> list[str]:
    """Kinds of outcomes of the shown samples, errors first."""
    kinds = {kind for entry in analysis.get("shown", ()) for _, kind, _ in entry["outcomes"]}
    return sorted(kinds, key=lambda kind: (kind == _RIGHT, kind))


def _name(names: Sequence[str], label: int) -> str:
    return names[label] if 0 <= label < len(names) else str(label)
