"""The drawing thresholds of a run, measured on its validation data: thresholds.json."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from densefit import engine
from densefit.checkpoint.weights.exported import is_exported
from densefit.tools.report.report import write_json

FILE = "thresholds.json"


@dataclass(frozen=True)
class StoredThresholds:
    """Scores of the highest F1 on validation data, from which objects are drawn.

    Attributes:
        thresholds: head -> score.
        split: name of the validation split; several datasets' names by comma.
        samples: number of validation samples.
    """

    thresholds: Mapping[str, float] = field(default_factory=dict)
    split: str = ""
    samples: int = 0

    def __str__(self) -> str:
        return f"the best F1 on {self.samples:,} samples of the validation split {self.split!r}"

    def write(self, folder: Path) -> None:
        """Write the file into a run's folder."""
        write_json(folder / FILE, self.values())

    def values(self) -> dict[str, Any]:
        """JSON values, from which `parsed` makes it again."""
        thresholds = dict(self.thresholds)
        return {"split": self.split, "samples": self.samples, "thresholds": thresholds}


def parsed(content: Any) -> StoredThresholds:
    """Thresholds from JSON values; none for other content."""
    if not isinstance(content, Mapping) or not isinstance(content.get("thresholds"), Mapping):
        return StoredThresholds()
    numbers = {
        str(name): float(value)
        for name, value in content["thresholds"].items()
        if isinstance(value, (int, float)) and math.isfinite(value) and 0 <= value <= 1
    }
    samples = content.get("samples")
    count = samples if isinstance(samples, int) else 0
    return StoredThresholds(numbers, str(content.get("split", "")), count)


def stored_thresholds(checkpoint: Path) -> StoredThresholds:
    """Thresholds of the run of a checkpoint, RUN/checkpoints/best, or of an exported model."""
    if is_exported(checkpoint):
        return parsed(engine.read_exported(checkpoint).metadata.thresholds)
    for folder in list(Path(checkpoint).resolve().parents)[:2]:
        try:
            text = (folder / FILE).read_text(encoding="utf-8")
            return parsed(json.loads(text))
        except (OSError, ValueError):
            continue
    return StoredThresholds()
