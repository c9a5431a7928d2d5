"""Counts of objects in training: annotated, left by the transforms, learned by each head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.data.geometry.target_kinds import KINDS
from densefit.data.loader.label_encoder import Encoder
from densefit.data.sample import Sample
from densefit.data.transforms.extra_samples import Draw

#: Keys of the counts; those of heads are `positives/<head>`, and `objects/<head>` for the objects
#: that the head could learn, in samples that are labelled for it.
ANNOTATED, LEFT, CROWDS = "annotated", "left", "crowds"
POSITIVES, OBJECTS = "positives/", "objects/"

Counts = Mapping[str, int]


def boxes_in(targets: Mapping[str, np.ndarray]) -> tuple[int, int]:
    """(boxes of single objects, crowds) of a sample.

    >>> boxes_in({"boxes": np.zeros((3, 4)), "crowd": np.array([True, False, False])})
    (2, 1)
    """
    boxes = sum(len(array) for name, array in targets.items() if name in KINDS and _is_boxes(name))
    crowds = int(np.count_nonzero(targets["crowd"])) if boxes and "crowd" in targets else 0
    return boxes - crowds, crowds


def _is_boxes(name: str) -> bool:
    return KINDS[name].name == "boxes"


class CountedDraw:
    """A draw of further samples (mosaic, mixup) that counts the boxes which it gives.

    Attributes:
        boxes: of single objects, in all samples that were drawn.
    """

    def __init__(self, draw: Draw) -> None:
        self._draw, self.boxes = draw, 0

    def __call__(self, count: int) -> list[Sample]:
        """So many further samples."""
        drawn = self._draw(count)
        self.boxes += sum(boxes_in(sample.targets)[0] for sample in drawn)
        return drawn


def positives_of(head: Encoder, sample: Sample, labels: Mapping[str, Any]) -> dict[str, int]:
    """Objects that a head could learn in a sample, and anchors or cells that learn one.

    Args:
        head: that the sample is labelled for.
        sample: as the head's `encode` saw it.
        labels: that it made.

    Returns:
        These by the head's keys. Empty for a head that does not tell: most learn pixels or whole
        pictures.
    """
    says = getattr(head, "positives", None)
    found = None if says is None else says(labels)
    if found is None:
        return {}
    says = getattr(head, "objects", None)
    objects = None if says is None else says(sample)
    if objects is None:
        objects, _ = boxes_in(sample.targets)
    return {f"{OBJECTS}{head.name}": int(objects), f"{POSITIVES}{head.name}": int(found)}


def added(counts: Sequence[Counts]) -> dict[str, int]:
    """The sums of counts.

    >>> added([{"left": 2}, {"left": 1, "positives/a": 4}])
    {'left': 3, 'positives/a': 4}
    """
    total: dict[str, int] = {}
    for one in counts:
        for key, number in one.items():
            total[key] = total.get(key, 0) + number
    return total


def shown(counts: Counts) -> str:
    """The counts as people read them; empty where no head learns objects.

    >>> shown({"annotated": 1690, "left": 1234, "crowds": 0, "positives/detection": 5120})
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
    """Head -> anchors or cells that learned an object."""
    return {k[len(POSITIVES) :]: n for k, n in counts.items() if k.startswith(POSITIVES)}


def learnable(counts: Counts, head: str) -> int:
    """Objects that a head could learn; of counts of an older checkpoint, all that were left."""
    return counts.get(f"{OBJECTS}{head}", counts[LEFT])
