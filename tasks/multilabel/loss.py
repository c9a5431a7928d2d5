"""The loss of yes-or-no labels, one number an image. Symbols."""

from __future__ import annotations

from typing import Any

from densefit.backend import mx


def binary_loss(scores: Any, labels: Any, weight: Any, gamma: float) -> Any:
    """(B,) the sum over classes of the weight times -(1 - p)**gamma ln p.

    p is the probability that the network gives to what is true: sigmoid(score) where the label is
    1, and one minus it where it is 0. At gamma 0 this is cross-entropy; above, what is known well
    counts less: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, equation 4.
    Scores up to 1e38 give finite losses and gradients.

    Args:
        scores: (B, C) logits.
        labels: (B, C) of 0 and 1; any of the two where unknown.
        weight: (B, C), 0 where unknown.
        gamma: 0 or more.
    """
    wrong = scores * (1 - 2 * labels)  # the logit of 1 - p
    loss = mx.sym.Activation(wrong, act_type="softrelu")  # -ln p
    if gamma:
        loss = loss * mx.sym.exp(-gamma * mx.sym.Activation(-wrong, act_type="softrelu"))
    return mx.sym.sum(loss * weight, axis=1)
