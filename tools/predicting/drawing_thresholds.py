"""The lowest score that is drawn: what is set, else the best of the validation, else a default."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from densefit.model.heads.head import Head
from densefit.model.network import Network
from densefit.tools.report.stored_thresholds import stored_thresholds


def drawing_head(head: Head) -> Any:
    """The object whose `draw_threshold` the drawing of a head obeys; None if it has none."""
    instance = getattr(head, "instance", head)
    drawing = getattr(instance, "detector", instance)
    return drawing if hasattr(drawing, "draw_threshold") else None


def set_thresholds(network: Network, checkpoint: Path, threshold: float | None) -> list[str]:
    """Set the heads' drawing thresholds.

    A threshold that was chosen on the scored data is never taken: it would flatter the predictions
    on these, and on no others.

    Args:
        network: network whose heads are changed.
        checkpoint: its checkpoint, in the folder of a run, or an exported model.
        threshold: lowest score for all heads; None for the best of the run's validation.

    Returns:
        A line for each head with a threshold: its value, and where it is from.
    """
    lines = []
    stored = stored_thresholds(checkpoint)
    for head in network.heads:
        drawing = drawing_head(head)
        if drawing is None:
            continue
        if threshold is not None:
            drawing.draw_threshold, source = threshold, "--threshold"
        elif _is_configured(head):
            source = "the recipe"
        elif head.name in stored.thresholds:
            drawing.draw_threshold, source = stored.thresholds[head.name], str(stored)
        else:
            source = "the default: the run has no threshold of its validation; --threshold sets one"
        lines.append(f"{head.name}: drawn from score {drawing.draw_threshold:.3g} ({source})")
    return lines


def _is_configured(head: Head) -> bool:
    """Whether the recipe sets the threshold of a head."""
    settings = (head.spec or {}).get("settings", {})
    parts = [settings, settings.get("detection") or {}]
    return any("draw_threshold" in part for part in parts)
