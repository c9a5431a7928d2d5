"""Losses of depth maps, per sample. Symbols.

Each takes the logarithm of the predicted depth, (B, h, w); the true depth, (B, h, w) in metres, any
value where unknown; and the weight of each cell, (B, h, w), 0 where unknown, adding up to 1 in an
image with any known depth. An image without known depths has loss 0 and no gradient.
"""

from __future__ import annotations

from typing import Any

from densefit.symbol import sym

LOSSES = ("silog", "l1", "berhu")
_LEAST = 1e-6  # metres; keeps logarithms and quotients finite where depths are unknown
_BERHU_SHARE = 0.2


def depth_loss(
    kind: str, log_depth: Any, depth: Any, weight: Any, scale_invariance: float = 0.5
) -> Any:
    """(B,) a loss by its name in LOSSES; `scale_invariance` is for "silog" only."""
    if kind == "silog":
        return silog(log_depth, depth, weight, scale_invariance)
    return {"l1": l1, "berhu": berhu}[kind](log_depth, depth, weight)


def silog(log_depth: Any, depth: Any, weight: Any, scale_invariance: float) -> Any:
    """(B,) mean(d**2) - lambda * mean(d)**2 with d = ln predicted - ln true.

    Eigen et al., "Depth Map Prediction from a Single Image using a Multi-Scale Deep Network",
    NIPS 2014, equation 4. Lambda is `scale_invariance`: 0 is the mean square, 1 is invariant to a
    common factor of all depths; the paper uses 0.5.
    """
    difference = log_depth - sym.log(sym.maximum(depth, _LEAST))
    weighted = difference * weight
    square = sym.sum(weighted * difference, axis=(1, 2))
    return square - scale_invariance * sym.square(sym.sum(weighted, axis=(1, 2)))


def l1(log_depth: Any, depth: Any, weight: Any) -> Any:
    """(B,) mean absolute error in metres."""
    return sym.sum(sym.abs(sym.exp(log_depth) - depth) * weight, axis=(1, 2))


def berhu(log_depth: Any, depth: Any, weight: Any) -> Any:
    """(B,) mean reversed Huber loss: |x| up to c, and (x**2 + c**2) / 2c beyond.

    Laina et al., "Deeper Depth Prediction with Fully Convolutional Residual Networks", 3DV 2016,
    equation 1. As there, c is a fifth of the largest error, without gradient; here it is the
    largest of the image, not of the batch, so that the loss of an image does not depend on others.
    """
    distance = sym.abs(sym.exp(log_depth) - depth) * (weight > 0)
    largest = sym.max(distance, axis=(1, 2), keepdims=True)
    limit = sym.BlockGrad(sym.maximum(_BERHU_SHARE * largest, _LEAST))
    square = sym.broadcast_add(sym.square(distance), sym.square(limit))
    beyond = sym.broadcast_div(square, 2 * limit)
    inside = sym.broadcast_lesser_equal(distance, limit)
    return sym.sum(sym.where(inside, distance, beyond) * weight, axis=(1, 2))
