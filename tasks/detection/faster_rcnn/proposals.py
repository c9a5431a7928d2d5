"""Proposals: the best boxes of a region proposal network. Symbols.

Ren et al., "Faster R-CNN", NeurIPS 2015, section 3.3; by levels as in Lin et al., "Feature Pyramid
Networks for Object Detection", CVPR 2017, section 4.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from densefit.symbol import sym

from ..boxes import clip, decode, rows_at, shortest_side

#: Offsets of anchors are not scaled.
ANCHOR_WEIGHTS = (1.0, 1.0, 1.0, 1.0)
#: Proposals with a shorter side are dropped, in pixels.
MIN_SIDE = 1e-3


def proposals(
    scores: Sequence[Any],
    offsets: Sequence[Any],
    anchors: Sequence[Any],
    candidates: Sequence[int],
    count: int,
    nms_iou: float,
    input_size: tuple[int, int],
) -> tuple[Any, Any]:
    """Proposals of each image by falling score, without gradient.

    The best candidates of each level are decoded and clipped; those of a level suppress each
    other.

    Args:
        scores: (B, A) objectness logits of each level.
        offsets: (B, A, 4) of each level.
        anchors: (A, 4) xyxy of each level.
        candidates: number of candidates of each level, at most its anchors.
        count: number of proposals, at most all candidates.
        nms_iou: IoU above which the worse of two candidates of a level is dropped.
        input_size: (height, width) of the network's input.

    Returns:
        (B, count, 4) xyxy in input pixels, -1 where there are fewer; and (B, count), 1 for
        proposals, else 0.
    """
    levels = []
    for level, (logits, level_offsets, level_anchors, best) in enumerate(
        zip(scores, offsets, anchors, candidates)
    ):
        chosen = sym.topk(sym.BlockGrad(logits), k=best, axis=1, ret_typ="both")
        moved = rows_at(sym.BlockGrad(level_offsets), chosen[1])
        boxes = clip(decode(moved, sym.take(level_anchors, chosen[1]), ANCHOR_WEIGHTS), input_size)
        probability = sym.sigmoid(chosen[0])
        # A probability, or -1 for a box without area.
        has_area = shortest_side(boxes) >= MIN_SIDE
        score = sym.expand_dims(probability * has_area + (has_area - 1), axis=2)
        levels.append(sym.concat(sym.ones_like(score) * level, score, boxes, dim=2))
    rows = sym.contrib.box_nms(
        sym.concat(*levels, dim=1),
        overlap_thresh=nms_iou,
        valid_thresh=-0.5,
        topk=-1,
        coord_start=2,
        score_index=1,
        id_index=0,
        force_suppress=False,
    )
    rows = sym.BlockGrad(sym.slice_axis(rows, axis=1, begin=0, end=count))
    level = sym.reshape(sym.slice_axis(rows, axis=2, begin=0, end=1), shape=(0, -1))
    return sym.slice_axis(rows, axis=2, begin=2, end=6), level >= 0
