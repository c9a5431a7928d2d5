"""Loss of multi-label classification, per sample. Symbols."""

from __future__ import annotations

from typing import Any

from densefit.symbol import sym


def binary_loss(scores: Any, labels: Any, weight: Any, gamma: float) -> Any:
    """(B,) weighted sum over classes of the focal loss -(1 - p)**gamma ln p.

    p is the predicted probability of the true label: sigmoid(score) where it is 1, and one minus it
    where it is 0. Gamma 0 is cross-entropy; above, well classified labels count less: Lin et al.,
    "Focal Loss for Dense Object Detection", ICCV 2017, equation 4. Scores up to 1e38 give finite
    losses and gradients.

    Args:
        scores: (B, C) logits.
        labels: (B, C) of 0 and 1; either where unknown.
        weight: (B, C), 0 where unknown.
        gamma: 0 or more.
    """
    wrong = scores * (1 - 2 * labels)  # the logit of 1 - p
    loss = sym.Activation(wrong, act_type="softrelu")  # -ln p
    if gamma:
        loss = loss * sym.exp(-gamma * sym.Activation(-wrong, act_type="softrelu"))
    return sym.sum(loss * weight, axis=1)
