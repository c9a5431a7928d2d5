"""Predicted and true boxes on an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.visualize.drawing import draw_boxes, note_unreached


def draw_detections(
    image: np.ndarray, prediction: Mapping[str, Any], classes: Sequence[str], threshold: float
) -> np.ndarray:
    """Draw detections with their names and scores on a copy; note it if there are none.

    Args:
        image: (H, W, 3) uint8 RGB.
        prediction: `boxes` (m, 4) xyxy in pixels, `scores` (m,), `classes` (m,).
        classes: class names.
        threshold: scores below are not drawn.
    """
    image = note_unreached(image, prediction["scores"], threshold)
    rows = prediction["scores"] >= threshold
    return draw_boxes(
        image,
        prediction["boxes"][rows],
        prediction["classes"][rows],
        names=classes,
        scores=prediction["scores"][rows],
    )


def draw_true_boxes(
    image: np.ndarray, truth: Mapping[str, Any], classes: Sequence[str]
) -> np.ndarray:
    """Draw true boxes with their names on a copy; difficult boxes and crowds are marked.

    Args:
        image: (H, W, 3) uint8 RGB.
        truth: `boxes` (n, 4) xyxy in pixels, `classes` (n,), and (n,) bool `crowd` and
            `difficult`, both optional.
        classes: class names.
    """
    boxes, kinds = np.asarray(truth["boxes"]), np.asarray(truth["classes"])
    crowd = np.asarray(truth.get("crowd", np.zeros(len(boxes))), bool)
    difficult = np.asarray(truth.get("difficult", np.zeros(len(boxes))), bool) & ~crowd
    for rows, word in (
        (crowd, " crowd"),
        (difficult, " difficult"),
        (~crowd & ~difficult, ""),
    ):
        names = [f"{name}{word}" for name in classes]
        image = draw_boxes(image, boxes[rows], kinds[rows], names)
    return image
