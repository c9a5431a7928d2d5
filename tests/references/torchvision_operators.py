"""torchvision's `nms` stated in Python, where its library of operators does not load.

Importing this module lets torchvision's detectors compute their detections on the CPU.
"""

import numpy as np
import torch

from tests.references.torchvision_cpu import LIBRARY, torchvision

__all__ = ["by_place", "nms", "torchvision"]


def nms(boxes, scores, iou_threshold):
    """Indices of the boxes that no better one overlaps, by falling score.

    Args:
        boxes: (n, 4) xyxy.
        scores: (n,).
        iou_threshold: IoU above which the worse of two boxes is dropped.
    """
    order = torch.sort(scores, descending=True, stable=True).indices
    iou = torchvision.ops.box_iou(boxes[order], boxes[order])
    kept = torch.ones(len(order), dtype=torch.bool)
    for row in range(len(order)):
        if kept[row]:
            kept[row + 1 :] &= iou[row, row + 1 :] <= iou_threshold
    return order[kept]


if LIBRARY is not None:
    LIBRARY.impl("nms", nms, "CPU")
    torchvision.ops.boxes._assert_has_ops = lambda: None


def by_place(classes, scores, boxes):
    """(n, 6) rows [class, score, x1, y1, x2, y2] by class and place.

    Rounding may exchange detections whose scores are all but equal.
    """
    parts = (np.asarray(part, np.float64) for part in (classes, scores))
    rows = np.column_stack([*parts, np.asarray(boxes)])
    return rows[np.lexsort((rows[:, 3], rows[:, 2].round(2), rows[:, 0]))]
