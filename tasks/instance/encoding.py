"""Labels of an instance head: boxes of all anchors, and the masks that are trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from densefit.data.geometry.instance_map import tighten_boxes
from densefit.data.sample import Sample
from densefit.model.heads.head import Label
from densefit.tasks.detection.assign import anchor_targets
from densefit.tasks.detection.head import Detection

from .instance_head import InstanceHead
from .targets import mask_targets, no_mask_targets, sample_cells


class InstanceEncoding(InstanceHead):
    """The part of `Instance` that reads annotations.

    Its attributes are settings of `Instance`.
    """

    detector: Detection
    mask_stride: int
    mask_positives: int

    def _size(self, input_size: Sequence[int]) -> tuple[int, int]:
        """(height, width) of the masks."""
        height, width = input_size
        return -(-height // self.mask_stride), -(-width // self.mask_stride)

    def labels(self, input_size: tuple[int, int]) -> list[Label]:
        """Labels of detection, the map `instances` of ids, and the arrays of `mask_targets`."""
        count = self.mask_positives
        return [
            *self.detector.labels(input_size),
            Label("instances", self._size(input_size)),
            Label("anchor", (count,)),
            Label("owner", (count,)),
            Label("window", (count, 4)),
        ]

    def encode(self, sample: Sample) -> dict[str, np.ndarray]:
        """Encode boxes for all anchors, and masks for the positive anchors that are trained.

        Boxes that a crop has cut are first shrunk to the visible part of their objects.
        """
        targets = sample.targets
        size = self._size(sample.image.shape[:2])
        if any(name not in targets for name in self.targets):
            return {
                **self.detector.encode(sample),
                "instances": np.zeros(size, np.float32),
                **no_mask_targets(self.mask_positives),
            }
        instances, ids = targets["instances"], np.asarray(targets["instance_ids"])
        boxes = tighten_boxes(targets["boxes"], instances, ids)
        sample = replace(sample, targets={**targets, "boxes": boxes})
        cells = sample_cells(instances, self.mask_stride)
        matched = self.detector.match_anchors(sample)
        anchors = self.detector.anchors(sample.image.shape[:2])
        labels, offsets = anchor_targets(matched, anchors, boxes, targets["classes"])
        return {
            "class": labels,
            "box": offsets,
            "known": self.detector.annotated_classes(sample),
            "instances": cells.astype(np.float32),
            **mask_targets(matched, boxes, ids, cells, self.mask_stride, self.mask_positives),
        }

    def positives(self, labels: Mapping[str, np.ndarray]) -> int:
        """Number of positive anchors."""
        return self.detector.positives(labels)
