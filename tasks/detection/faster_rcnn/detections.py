"""Class scores and offsets of proposals -> detections of each image, on the device. Symbols."""

from __future__ import annotations

from typing import Any

from densefit.symbol import sym
from densefit.tasks.detection.select import suppressed

from ..boxes import clip, decode, rows_at, shortest_side

#: torchvision's weights of the boxes' offsets: they bring them to a similar spread.
BOX_WEIGHTS = (10.0, 10.0, 5.0, 5.0)
#: Detections with a shorter side are dropped, in pixels.
MIN_SIDE = 1e-2


def detections(
    scores: Any,
    offsets: Any,
    proposals: Any,
    is_proposal: Any,
    classes: int,
    candidates: int,
    input_size: tuple[int, int],
    score_threshold: float,
    nms_iou: float,
    max_detections: int,
) -> Any:
    """Detections of each image after non-maximum suppression within each class.

    A proposal may yield several classes, each with its own box.

    Args:
        scores: (B, P, 1 + classes) logits, the background first.
        offsets: (B, P, 1 + classes, 4).
        proposals: (B, P, 4) xyxy in input pixels.
        is_proposal: (B, P), 0 for unused rows.
        classes: number of classes without the background.
        candidates: number of best pairs of proposal and class that enter the NMS, at most
            P * classes.
        input_size: (height, width) of the network's input.
        score_threshold: pairs below are dropped.
        nms_iou: IoU above which the worse of two boxes of a class is dropped.
        max_detections: rows of the result, at most `candidates`.

    Returns:
        (B, max_detections, 6) [class, score, x1, y1, x2, y2] in input pixels by falling score;
        unused rows are -1.
    """
    probability = sym.slice_axis(sym.softmax(scores, axis=-1), axis=2, begin=1, end=None)
    # -1 for rows without a proposal.
    used = sym.expand_dims(is_proposal, axis=2)
    probability = sym.broadcast_add(sym.broadcast_mul(probability, used), used - 1)
    best = sym.topk(sym.reshape(probability, shape=(0, -1)), k=candidates, axis=1, ret_typ="both")
    score, pair = best[0], best[1]
    # Indices travel as float32; they and their quotients are exact below 2**24 pairs.
    proposal = sym.floor(pair / classes)
    label = pair - proposal * classes
    moves = rows_at(sym.reshape(offsets, shape=(0, -3, 4)), pair + proposal + 1)
    boxes = clip(decode(moves, rows_at(proposals, proposal), BOX_WEIGHTS), input_size)
    has_area = shortest_side(boxes) >= MIN_SIDE
    rows = sym.concat(
        sym.expand_dims(label, axis=2),
        sym.expand_dims(score * has_area + (has_area - 1), axis=2),
        boxes,
        dim=2,
    )
    return suppressed(rows, score_threshold, nms_iou, max_detections)
