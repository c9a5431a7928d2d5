"""Quality focal loss of class scores. Symbols."""

from __future__ import annotations

from typing import Any

from densefit.model.losses.binary_cross_entropy import binary_cross_entropy
from densefit.symbol import sym


def quality_focal_loss(logits: Any, quality: Any, beta: float = 2.0) -> Any:
    """Compute the quality focal loss of each logit (Li et al., "Generalized Focal Loss", 2020).

    |quality - p|**beta times the binary cross-entropy of p = sigmoid(logit) with the quality as its
    target: the IoU of a positive's box for its class, 0 for all else.

    Args:
        logits: any shape.
        quality: targets of the same shape, 0 to 1; they get no gradient.
        beta: exponent, 1 or more.
    """
    quality = sym.BlockGrad(quality)
    probability = sym.sigmoid(logits)
    return sym.abs(quality - probability) ** beta * binary_cross_entropy(logits, quality)
