"""Losses of Faster R-CNN, per sample. Symbols.

Ren et al., "Faster R-CNN", NeurIPS 2015, equation 1; normalised as in torchvision, within the
sample: by the number of its sampled anchors or boxes.
"""

from __future__ import annotations

from typing import Any

from densefit.model.losses.binary_cross_entropy import binary_cross_entropy
from densefit.symbol import sym

from ..loss import class_entropy

#: smooth_l1 is quadratic below 1 / 3**2, torchvision's beta of 1/9.
SIGMA = 3.0


def objectness_loss(logits: Any, target: Any) -> Any:
    """(B,) binary cross-entropy, the mean over the sampled anchors.

    Args:
        logits: (B, S) of the sampled anchors.
        target: (B, S): 1 object, 0 background, -1 unused.
    """
    return mean_over(binary_cross_entropy(logits, target > 0), target >= 0)


def offset_loss(offsets: Any, expected: Any, target: Any) -> Any:
    """(B,) smooth L1 distance of the positives' offsets, divided by the number of all samples.

    Args:
        offsets: (B, S, 4) predicted.
        expected: (B, S, 4).
        target: (B, S): above 0 for positives, -1 unused.
    """
    distance = sym.sum(sym.smooth_l1(offsets - expected, scalar=SIGMA), axis=2)
    return mean_over(distance * sym.BlockGrad(target > 0), target >= 0)


def class_loss(scores: Any, target: Any, annotated: Any) -> Any:
    """(B,) cross-entropy, the mean over the sampled boxes.

    Background boxes do not train scores of classes that are not annotated.

    Args:
        scores: (B, S, 1 + classes) logits, the background first.
        target: (B, S): 0 background, 1 + class, -1 unused.
        annotated: (B, 1 + classes), 0 for classes that are not annotated, else 1.
    """
    return mean_over(class_entropy(scores, target, annotated), target >= 0)


def mean_over(loss: Any, used: Any) -> Any:
    """(B,) sum of (B, S) losses where `used`, divided by their number; 0 without any."""
    used = sym.BlockGrad(used)
    return sym.sum(loss * used, axis=1) / sym.maximum(sym.sum(used, axis=1), 1)
