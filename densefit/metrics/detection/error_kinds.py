"""Name what is right and wrong on each image: misses, false detections and their kinds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from densefit.metrics.detection.pairing import UNMATCHED, Pairing

RIGHT, MISSED, WRONG_CLASS = "right", "missed", "wrong class"
DUPLICATE, MISPLACED, BACKGROUND = "duplicate", "misplaced", "false detection"
KINDS = (MISSED, WRONG_CLASS, DUPLICATE, MISPLACED, BACKGROUND, RIGHT)
#: Least IoU of a misplaced detection with a true box of its class, as in TIDE.
LEAST_OVERLAP = 0.1


def error_kinds(
    pairing: Pairing, detections: Mapping[str, np.ndarray], truth: Mapping[str, np.ndarray]
) -> dict[int, Counter[tuple[int, str]]]:
    """Count the outcomes of each image by class and kind.

    A true box is right, of a wrong class (counted for both classes), or missed. An unmatched
    detection is a duplicate if it overlaps a true box of its class by more than the threshold,
    misplaced from an IoU of 0.1, else a false detection. The kinds follow TIDE (Bolya et al.,
    ECCV 2020).

    Args:
        pairing: matches of the dataset.
        detections: "image" (m,), "classes" (m,).
        truth: "image" (n,), "classes" (n,).

    Returns:
        image -> (class, kind) -> count; images without any object are left out.
    """
    images: dict[int, Counter[tuple[int, str]]] = {}

    def add(image: int, label: int, kind: str) -> None:
        images.setdefault(int(image), Counter())[int(label), kind] += 1

    for row, match in enumerate(pairing.of_truth):
        image, label = truth["image"][row], truth["classes"][row]
        if match >= 0:
            predicted = detections["classes"][match]
            add(image, label, RIGHT if predicted == label else WRONG_CLASS)
            if predicted != label:
                add(image, predicted, WRONG_CLASS)
        elif match == UNMATCHED:
            add(image, label, MISSED)
    for row in np.flatnonzero(pairing.of_detection == UNMATCHED):
        overlap = pairing.same_class[row]
        is_near = overlap >= LEAST_OVERLAP
        kind = DUPLICATE if overlap > pairing.iou else MISPLACED if is_near else BACKGROUND
        add(detections["image"][row], detections["classes"][row], kind)
    return images


def image_f1(outcomes: Mapping[tuple[int, str], int]) -> float:
    """F1 of an image, from its outcomes; 1 without any object.

    >>> image_f1({(0, "right"): 3, (0, "missed"): 1, (1, "false detection"): 1})
    0.75
    """
    totals: Counter[str] = Counter()
    for (_, kind), count in outcomes.items():
        totals[kind] += count
    # A match of a wrong class is counted for both of its classes: a miss and a false detection.
    wrong = sum(totals.values()) - totals[RIGHT]
    total = 2 * totals[RIGHT] + wrong
    return 2 * totals[RIGHT] / total if total else 1.0
