"""Count objects in training: annotated, left by the transforms, trained by each head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.data.geometry.box_members import box_names, member
from densefit.data.loader.label_encoder import Encoder
from densefit.data.sample import Sample
from densefit.data.transforms.extra_samples import Draw
from densefit.old_paths import former_names

#: Keys of the counts. Heads have `positives/<head>`, and `objects/<head>` for the objects in the
#: samples that train the head.
ANNOTATED, LEFT, CROWDS = "annotated", "left", "crowds"
POSITIVES, OBJECTS = "positives/", "objects/"

Counts = Mapping[str, int]


def boxes_in(targets: Mapping[str, np.ndarray]) -> tuple[int, int]:
    """Number of (boxes of single objects, crowds) of a sample.

    >>> boxes_in({"boxes": np.zeros((3, 4)), "crowd": np.array([True, False, False])})
    (2, 1)
    """
    boxes = crowds = 0
    for name in box_names(targets):
        boxes += len(targets[name])
        crowd = member(targets, name, "crowd")
        crowds += 0 if crowd is None else int(np.count_nonzero(targets[crowd]))
    return boxes - crowds, crowds


class CountedDraw:
    """Draw further samples (mosaic, mixup), and count their boxes.

    Attributes:
        boxes: number of single objects in all drawn samples.
    """

    def __init__(self, draw: Draw) -> None:
        self._draw, self.boxes = draw, 0

    def __call__(self, count: int) -> list[Sample]:
        """Draw `count` further samples."""
        drawn = self._draw(count)
        self.boxes += sum(boxes_in(sample.targets)[0] for sample in drawn)
        return drawn


def positives_of(head: Encoder, sample: Sample, labels: Mapping[str, Any]) -> dict[str, int]:
    """Objects of a sample that train a head, and positive anchors or cells.

    Args:
        head: head that the sample trains.
        sample: input of the head's `encode`.
        labels: output of the head's `encode`.

    Returns:
        Both counts by the head's keys. Empty for heads without positives: most train on pixels or
        whole images.
    """
    count_positives = getattr(head, "positives", None)
    n_positives = None if count_positives is None else count_positives(labels)
    if n_positives is None:
        return {}
    count_objects = getattr(head, "objects", None)
    objects = None if count_objects is None else count_objects(sample)
    if objects is None:
        objects, _ = boxes_in(sample.targets)
    return {f"{OBJECTS}{head.name}": int(objects), f"{POSITIVES}{head.name}": int(n_positives)}


def sum_counts(counts: Sequence[Counts]) -> dict[str, int]:
    """Sum counts by key.

    >>> sum_counts([{"left": 2}, {"left": 1, "positives/a": 4}])
    {'left': 3, 'positives/a': 4}
    """
    total: dict[str, int] = {}
    for batch_counts in counts:
        for key, number in batch_counts.items():
            total[key] = total.get(key, 0) + number
    return total


def format_counts(counts: Counts) -> str:
    """Format counts for a log line; empty if no head trains on objects.

    >>> format_counts({"annotated": 1690, "left": 1234, "crowds": 0, "positives/detection": 5120})
    'objects 1,234 of 1,690 (73 %), detection 5,120 positives'
    """
    if ANNOTATED not in counts:
        return ""
    before, left = counts[ANNOTATED], counts[LEFT]
    share = f" ({left / before:.0%})".replace("%", " %") if before else ""
    parts = [f"objects {left:,} of {before:,}{share}"]
    parts += [f"{name} {number:,} positives" for name, number in positives(counts).items()]
    return ", ".join(parts)


def positives(counts: Counts) -> dict[str, int]:
    """Head -> number of positive anchors or cells."""
    return {k[len(POSITIVES) :]: n for k, n in counts.items() if k.startswith(POSITIVES)}


def learnable(counts: Counts, head: str) -> int:
    """Objects that train a head; for counts of older checkpoints, all that were left."""
    return counts.get(f"{OBJECTS}{head}", counts[LEFT])


__getattr__ = former_names(__name__, {"added": "sum_counts", "shown": "format_counts"})
