"""Cross-entropy of independent probabilities. Symbols."""

from __future__ import annotations

from typing import Any

from densefit.symbol import sym


def binary_cross_entropy(logits: Any, target: Any) -> Any:
    """Compute -y ln p - (1 - y) ln(1 - p) of p = sigmoid(logit) and each target y.

    Args:
        logits: any shape.
        target: 0 to 1, of the same shape.
    """
    # ln(1 + exp(x)) - x y
    return sym.Activation(logits, act_type="softrelu") - logits * target
