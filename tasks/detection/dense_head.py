"""What RetinaNet and FCOS share: class scores by sigmoids, and detections from each level."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from densefit.model.losses.sigmoid_focal import sigmoid_focal_loss
from densefit.symbol import sym

from .anchors import Shapes, anchor_count
from .box_head import BoxHead
from .checks import check_exact_count
from .select import anchor_symbol, best_pairs, clipped, suppressed


class DenseHead(BoxHead):
    """A detector whose levels each give their best pairs of anchor and class to one suppression.

    Attributes:
        strides: strides of the levels.
        score_threshold: detections below are dropped.
        candidates: number of best pairs of each level that enter the suppression.
        at_corners: position of the anchors, see `cell_positions`.
    """

    strides: tuple[int, ...]
    score_threshold: float
    candidates: int
    at_corners: ClassVar[bool] = True

    @abstractmethod
    def shapes(self, input_size: tuple[int, int]) -> tuple[Shapes, ...]:
        """(width, height) of each level's anchors, in input pixels."""

    @staticmethod
    @abstractmethod
    def decode_boxes(offsets: Any, anchors: Any, /) -> Any:
        """xyxy boxes from (B, N, 4) offsets and (B, N, 4) anchors in center form."""

    def anchor_symbol(self, input_size: tuple[int, int]) -> Any:
        """All anchors, (A, 4) in center form."""
        shapes = self.shapes(input_size)
        return anchor_symbol(input_size, self.strides, shapes, self.at_corners)

    def detect(
        self, scores: Sequence[Any], offsets: Sequence[Any], input_size: tuple[int, int]
    ) -> dict[str, Any]:
        """`boxes` (B, n, 6) [class, score, x1, y1, x2, y2] in input pixels, by falling score.

        Boxes are clipped to the input before they are suppressed.

        Args:
            scores: (B, A, classes) of each level.
            offsets: (B, A, 4) of each level.
            input_size: (height, width) in pixels.

        Raises:
            ConfigError: a level has too many pairs.
        """
        rows, total, classes = [], 0, len(self.classes)
        where = f"head {self.name!r}, input {input_size}"
        levels = zip(self.strides, self.shapes(input_size), scores, offsets)
        for stride, shapes, level_scores, level_offsets in levels:
            pairs = anchor_count(input_size, [stride], [shapes]) * classes
            check_exact_count(pairs, "pairs of anchor and class in a level", where)
            anchors = anchor_symbol(input_size, [stride], [shapes], self.at_corners)
            count = min(self.candidates, pairs)
            decode = self.decode_boxes
            rows.append(best_pairs(level_scores, level_offsets, anchors, classes, count, decode))
            total += count
        boxes = clipped(sym.concat(*rows, dim=1), input_size)
        limit = min(self.max_detections, total)
        boxes = suppressed(boxes, self.score_threshold, self.nms_iou, limit)
        return {"boxes": sym.slice_axis(boxes, axis=2, begin=0, end=6)}


def focal_class_loss(
    logits: Any, target: Any, annotated: Any, classes: int, alpha: float, gamma: float
) -> Any:
    """(B,) sum of the focal loss of all anchors and classes, per positive anchor of the image.

    Classes that the sample does not annotate, and ignored anchors, get no loss.

    Args:
        logits: (B, A, classes).
        target: (B, A): -1 ignored, 0 background, 1 + class.
        annotated: (B, 1 + classes), the background first; 0 for classes that are not annotated.
        classes: number of classes without the background.
        alpha: weight of the positive class.
        gamma: exponent.
    """
    # An index of -1 or -2 gives a row without a 1.
    loss = sigmoid_focal_loss(logits, sym.one_hot(target - 1, depth=classes), alpha, gamma)
    loss = sym.broadcast_mul(loss, sym.expand_dims(target >= 0, axis=2))
    annotated = sym.expand_dims(sym.slice_axis(annotated, axis=1, begin=1, end=None), axis=1)
    total = sym.sum(sym.broadcast_mul(loss, annotated), axis=(1, 2))
    return total / sym.maximum(sym.sum(target > 0, axis=1), 1)
