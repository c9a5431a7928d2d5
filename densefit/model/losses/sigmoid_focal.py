"""Focal loss of independent class scores. Symbols."""

from __future__ import annotations

from typing import Any

from densefit.model.losses.quality_focal import quality_focal_loss


def sigmoid_focal_loss(logits: Any, target: Any, alpha: float = 0.25, gamma: float = 2.0) -> Any:
    """Compute the focal loss of each logit (Lin et al., ICCV 2017, equation 5).

    The binary cross-entropy of p = sigmoid(logit), times alpha (1 - p)**gamma where the target is 1
    and (1 - alpha) p**gamma where it is 0.

    Args:
        logits: any shape.
        target: 0 or 1, of the same shape.
        alpha: weight of the target 1, 0 to 1.
        gamma: exponent, 1 or more.
    """
    return quality_focal_loss(logits, target, gamma) * (target * (2 * alpha - 1) + (1 - alpha))
