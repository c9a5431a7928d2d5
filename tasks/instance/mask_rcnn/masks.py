"""Masks that boxes are trained on, cut from the instance map, and their loss. Symbols.

He et al., "Mask R-CNN", ICCV 2017, section 3.
"""

from __future__ import annotations

from typing import Any

from densefit.data.geometry.instance_map import UNKNOWN
from densefit.model.losses.binary_cross_entropy import binary_cross_entropy
from densefit.symbol import sym
from densefit.tasks.detection.faster_rcnn.roi_align import roi_corners

from .layers import MASK_SIZE


def mask_targets(
    instances: Any, boxes: Any, owner: Any, input_size: tuple[int, int], where: str
) -> tuple[Any, Any]:
    """Masks of the boxes' objects by RoIAlign of the map, and which of their cells are known.

    Args:
        instances: (B, H, W) instance ids.
        boxes: (B, K, 4) xyxy in input pixels.
        owner: (B, K) instance id of each box.
        input_size: (H, W).
        where: head and input, for the error.

    Returns:
        (B * K, 28, 28) the object's share of each cell; and (B * K, 28, 28), 0 for cells with void
        pixels, else 1.
    """
    corners = roi_corners(boxes, input_size, (1,), MASK_SIZE, where=where)
    shape = (-1, MASK_SIZE * MASK_SIZE, 0)
    ids = sym.take(sym.reshape(instances, shape=(-1,)), corners.cells)
    ids = sym.reshape(ids, shape=shape, reverse=True)
    weights = sym.reshape(sym.reshape(corners.weights, shape=(-3, 0)), shape=shape, reverse=True)
    is_object = sym.broadcast_equal(ids, sym.reshape(owner, shape=(-1, 1, 1)))
    shares = [sym.sum(inside * weights, axis=2) for inside in (is_object, ids == UNKNOWN)]
    target, void = (sym.reshape(share, shape=(0, MASK_SIZE, MASK_SIZE)) for share in shares)
    return sym.BlockGrad(target), sym.BlockGrad(void == 0)


def mask_loss(logits: Any, target: Any, is_known: Any, is_learned: Any) -> Any:
    """(B,) binary cross-entropy, averaged over the known cells, then over the learned masks.

    Args:
        logits: (B * K, h, w).
        target: (B * K, h, w), 0 to 1.
        is_known: (B * K, h, w).
        is_learned: (B, K), 0 for boxes that train no mask.
    """
    entropy = binary_cross_entropy(logits, target)
    total = sym.sum(entropy * is_known, axis=(1, 2))
    mean = total / sym.maximum(sym.sum(is_known, axis=(1, 2)), 1)
    is_learned = sym.BlockGrad(is_learned)
    masks = sym.reshape_like(mean, is_learned) * is_learned
    return sym.sum(masks, axis=1) / sym.maximum(sym.sum(is_learned, axis=1), 1)
