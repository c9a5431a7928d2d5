"""A line of text for each predicted image: what is in it, and how long it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.model.heads.head import Head
from densefit.tools.predicting.drawing_thresholds import drawing_head
from densefit.tools.predicting.pipeline import Result
from densefit.tools.predicting.selection import classes_of

_LISTED = 4  # classes of a head


def summary_line(result: Result, heads: Sequence[Head], label: str) -> str:
    """Describe a result: `a.jpg 640x480  boxes 3 (2 cat, 1 dog)  decoding 3.1, network ... ms`.

    Counts are of objects that are drawn.

    Args:
        result: predictions and times.
        heads: heads of the network.
        label: name of the image.
    """
    height, width = result.image.shape[:2]
    parts = [f"{label} {width}x{height}"]
    parts += [contents(head, result.predictions[head.name]) for head in heads]
    times = [f"{name} {value:.1f}" for name, value in result.milliseconds.items()]
    return "  ".join([*parts, ", ".join(times) + " ms"])


def contents(head: Head, prediction: Any) -> str:
    """Describe a head's prediction in some words."""
    names = [str(name) for name in classes_of(head)]
    if isinstance(prediction, dict) and "classes" in prediction:
        classes = np.asarray(prediction["classes"])
        drawing = drawing_head(head)
        if drawing is not None and "scores" in prediction:
            classes = classes[np.asarray(prediction["scores"]) >= drawing.draw_threshold]
        common = Counter(int(label) for label in classes).most_common()
        listed = [f"{number} {_name(names, label)}" for label, number in common[:_LISTED]]
        listed += ["..."] if len(common) > _LISTED else []
        return f"{head.name} {len(classes)}" + (f" ({', '.join(listed)})" if listed else "")
    array = np.asarray(prediction)
    if array.dtype == np.uint8 and array.ndim == 2:
        counts = np.bincount(array.ravel(), minlength=256)
        order = [int(label) for label in np.argsort(-counts, kind="stable") if counts[label]]
        shares = [
            f"{100 * counts[label] / array.size:.0f} % {_name(names, label)}"
            for label in order[:_LISTED]
        ]
        return f"{head.name} {', '.join(shares)}" + (" ..." if len(order) > _LISTED else "")
    if names and array.shape == (len(names),):
        best = int(array.argmax())
        return f"{head.name} {names[best]} {array[best]:.2f}"
    if array.dtype.kind == "f" and array.ndim == 2:
        return f"{head.name} {array.min():.3g} to {array.max():.3g}"
    return head.name


def _name(names: Sequence[str], label: int) -> str:
    return names[label] if label < len(names) else str(label)
