"""The lowest score that is drawn: what is set, else the best of the validation, else a default."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from densefit.model.heads.head import Head
from densefit.model.network import Network

#: Where a run keeps the scores with the highest F1, by head: file, and key in it.
_STORED = (("thresholds.json", None), ("scored.json", "thresholds"))


def drawing_head(head: Head) -> Any:
    """The object whose `draw_threshold` the drawing of a head obeys; None if it has none."""
    instance = getattr(head, "instance", head)
    drawing = getattr(instance, "detector", instance)
    return drawing if hasattr(drawing, "draw_threshold") else None


def set_thresholds(network: Network, checkpoint: Path, threshold: float | None) -> list[str]:
    """Set the heads' drawing thresholds.

    Args:
        network: network whose heads are changed.
        checkpoint: its checkpoint, in the folder of a run, or an exported model.
        threshold: lowest score for all heads; None for the best of the run.

    Returns:
        A line for each head with a threshold: its value, and where it is from.
    """
    lines = []
    stored = best_thresholds(checkpoint)
    for head in network.heads:
        drawing = drawing_head(head)
        if drawing is None:
            continue
        if threshold is not None:
            drawing.draw_threshold, source = threshold, "--threshold"
        elif _is_configured(head):
            source = "the recipe"
        elif head.name in stored:
            drawing.draw_threshold, source = stored[head.name], "the best F1 of the run's data"
        else:
            source = "the default: the run has no best threshold; set it by --threshold"
        lines.append(f"{head.name}: drawn from score {drawing.draw_threshold:.3g} ({source})")
    return lines


def best_thresholds(checkpoint: Path) -> dict[str, float]:
    """Thresholds by head that the run of a checkpoint has stored; empty if none."""
    for folder in _folders(checkpoint):
        for name, key in _STORED:
            try:
                content = json.loads((folder / name).read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if key is not None:
                content = content.get(key) if isinstance(content, Mapping) else None
            numbers = {} if not isinstance(content, Mapping) else _numbers(content)
            if numbers:
                return numbers
    return {}


def _folders(checkpoint: Path) -> Iterator[Path]:
    """Folders that may be the run's: of RUN/checkpoints/best, or of RUN/model.onnx."""
    yield from list(Path(checkpoint).resolve().parents)[:2]


def _numbers(content: Mapping[str, Any]) -> dict[str, float]:
    return {
        str(name): float(value)
        for name, value in content.items()
        if isinstance(value, (int, float)) and math.isfinite(value) and 0 <= value <= 1
    }


def _is_configured(head: Head) -> bool:
    """Whether the recipe sets the threshold of a head."""
    settings = (head.spec or {}).get("settings", {})
    parts = [settings, settings.get("detection") or {}]
    return any("draw_threshold" in part for part in parts)
