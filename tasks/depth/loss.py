"""Losses of depth maps, one number an image. Symbols.

Each takes the logarithm of the predicted depth, (B, h, w); the true depth, (B, h, w) in metres,
anything where it is unknown; and the weight of each cell, (B, h, w), 0 where it is unknown, adding
up to 1 in an image with any known depth. An image without any has loss 0 and no gradient.
"""

from __future__ import annotations

from typing import Any

from densefit.backend import mx

LOSSES = ("silog", "l1", "berhu")
_LEAST = 1e-6  # metres; keeps logarithms and quotients finite where nothing is known
_BERHU_SHARE = 0.2


def depth_loss(
    kind: str, log_depth: Any, depth: Any, weight: Any, scale_invariance: float = 0.5
) -> Any:
    """(B,) the loss of a name out of LOSSES; `scale_invariance` is for "silog" alone."""
    if kind == "silog":
        return silog(log_depth, depth, weight, scale_invariance)
    return {"l1": l1, "berhu": berhu}[kind](log_depth, depth, weight)


def silog(log_depth: Any, depth: Any, weight: Any, scale_invariance: float) -> Any:
    """(B,) mean(d**2) - lambda * mean(d)**2 with d = ln predicted - ln true.

    Eigen et al., "Depth Map Prediction from a Single Image using a Multi-Scale Deep Network",
    NIPS 2014, equation 4. Lambda is `scale_invariance`: at 0 it is the mean square, at 1 a common
    factor of all depths does not matter; the paper takes 0.5.
    """
    difference = log_depth - mx.sym.log(mx.sym.maximum(depth, _LEAST))
    weighted = difference * weight
    square = mx.sym.sum(weighted * difference, axis=(1, 2))
    return square - scale_invariance * mx.sym.square(mx.sym.sum(weighted, axis=(1, 2)))


def l1(log_depth: Any, depth: Any, weight: Any) -> Any:
    """(B,) the mean distance in metres."""
    return mx.sym.sum(mx.sym.abs(mx.sym.exp(log_depth) - depth) * weight, axis=(1, 2))


def berhu(log_depth: Any, depth: Any, weight: Any) -> Any:
    """(B,) the mean reversed Huber distance: |x| up to c, and (x**2 + c**2) / 2c beyond.

    Laina et al., "Deeper Depth Prediction with Fully Convolutional Residual Networks", 3DV 2016,
    equation 1. As there, c is a fifth of the largest distance, and no gradient goes through it;
    here it is the largest of the image, not of the batch, so that an image's loss does not
    depend on its neighbours.
    """
    distance = mx.sym.abs(mx.sym.exp(log_depth) - depth) * (weight > 0)
    largest = mx.sym.max(distance, axis=(1, 2), keepdims=True)
    limit = mx.sym.BlockGrad(mx.sym.maximum(_BERHU_SHARE * largest, _LEAST))
    square = mx.sym.broadcast_add(mx.sym.square(distance), mx.sym.square(limit))
    beyond = mx.sym.broadcast_div(square, 2 * limit)
    inside = mx.sym.broadcast_lesser_equal(distance, limit)
    return mx.sym.sum(mx.sym.where(inside, distance, beyond) * weight, axis=(1, 2))
