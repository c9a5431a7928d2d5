"""Predicted and annotated objects on an image, with their masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.visualize.drawing import note_unreached
from densefit.visualize.instances import draw_instances


def draw_predicted(
    image: np.ndarray, prediction: Mapping[str, Any], classes: Sequence[str], threshold: float
) -> np.ndarray:
    """Draw predicted objects on a copy, each in a colour of its own; note it if there are none.

    Args:
        image: (H, W, 3) uint8.
        prediction: prediction of an instance head.
        classes: class names.
        threshold: objects with a lower score are not drawn.
    """
    image = note_unreached(image, prediction["scores"], threshold)
    rows = np.flatnonzero(prediction["scores"] >= threshold)
    return draw_instances(
        image,
        [prediction["masks"][row] for row in rows],
        prediction["boxes"][rows],
        prediction["classes"][rows],
        classes,
        prediction["scores"][rows],
    )


def draw_annotated(
    image: np.ndarray, truth: Mapping[str, Any], classes: Sequence[str]
) -> np.ndarray:
    """Draw annotated objects on a copy, each in a colour of its own; crowds are marked.

    Args:
        image: (H, W, 3) uint8.
        truth: ground truth of an instance head.
        classes: class names.
    """
    names = [*classes, *(f"{name} crowd" for name in classes)]
    kinds = np.asarray(truth["classes"]) + len(classes) * truth["crowd"]
    return draw_instances(image, truth["masks"], truth["boxes"], kinds, names)
