"""Labels of Mask R-CNN: those of its detector, and the map of the objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from densefit.data.geometry.instance_map import NONE, tighten_boxes
from densefit.data.sample import Sample
from densefit.model.heads.head import Label
from densefit.tasks.detection.faster_rcnn import FasterRCNN
from densefit.tasks.instance.instance_head import InstanceHead
from densefit.tasks.instance.targets import box_windows, has_visible_cells


class MaskEncoding(InstanceHead):
    """The part of `MaskRCNN` that reads annotations.

    Its attributes are settings of `MaskRCNN`.
    """

    detector: FasterRCNN

    def labels(self, input_size: tuple[int, int]) -> list[Label]:
        """Labels of the detector, with the instance id of each box, and the map of the ids."""
        return [*self.detector.labels(input_size), Label("instances", input_size)]

    def encode(self, sample: Sample) -> dict[str, np.ndarray]:
        """Encode the boxes, and the map. A box without pixels of its object trains no mask.

        Boxes that a crop has cut are first shrunk to the visible part of their objects.
        """
        targets = sample.targets
        size = (sample.image.shape[0], sample.image.shape[1])
        if any(name not in targets for name in self.targets):
            has_boxes = {name: value for name, value in targets.items() if name != "instance_ids"}
            labels = self.detector.encode(replace(sample, targets=has_boxes))
            return {**labels, "instances": np.full(size, NONE, np.float32)}
        instances, ids = targets["instances"], np.asarray(targets["instance_ids"])
        boxes = tighten_boxes(targets["boxes"], instances, ids)
        windows = box_windows(boxes, 1, size)
        visible = np.where(has_visible_cells(instances, windows, ids), ids, NONE)
        sample = replace(sample, targets={**targets, "boxes": boxes, "instance_ids": visible})
        return {**self.detector.encode(sample), "instances": instances.astype(np.float32)}

    def positives(self, labels: Mapping[str, np.ndarray]) -> int:
        """Number of sampled positive anchors."""
        return self.detector.positives(labels)
