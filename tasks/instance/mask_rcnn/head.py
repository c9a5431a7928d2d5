"""The Mask R-CNN head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

import numpy as np

from densefit.data.geometry.instance_map import NONE
from densefit.data.sample import Geometry
from densefit.errors import ConfigError
from densefit.model.heads.head import Features, Term, class_names, heads, named_rows
from densefit.model.loss_weights import check_weight
from densefit.symbol import sym
from densefit.tasks.detection.faster_rcnn import FasterRCNN
from densefit.tasks.detection.label_shape import sample_zeros, shaped_label
from densefit.tasks.detection.merge import detected_rows
from densefit.tasks.instance.instance_head import SHARED_SETTINGS
from densefit.tasks.predictions import InstanceDetections

from .encoding import MaskEncoding
from .layers import POOLED, mask_logits
from .masks import mask_loss, mask_targets
from .paste import paste_regions
from .program import print_regions


@heads.register("mask_rcnn")
class MaskRCNN(MaskEncoding):
    """Boxes with classes, scores and masks: Mask R-CNN with a feature pyramid.

    Faster R-CNN predicts boxes; from the features of each box, a mask of 28x28 cells is predicted
    for each class (He et al., "Mask R-CNN", ICCV 2017). The layers are those of torchvision's
    `maskrcnn_resnet50_fpn`, which has mask_channels 256, and larger settings of its detector. Needs
    `boxes`, `classes`, `instances` and `instance_ids`; a sample without instances trains boxes
    only, a sample without boxes nothing; the mask loss is the mean over the samples with instances.

    Predictions are dicts: `boxes` (m, 4) float32 xyxy in original pixels, `scores` (m,) float32,
    `classes` (m,) int64 and `masks`, m COCO run lengths of the original size, by falling score.

    Args:
        classes: the classes without the background: names, or their number.
        name: prefix of labels, outputs, parameters and scores.
        weight: factor on the head's losses.
        mask_weight: factor on the mask loss, relative to the losses of the boxes.
        mask_channels: channels of the layers of the masks.
        detection: settings of the detector, a head `faster_rcnn`, such as `strides` and `sizes`.
        metric: "mask" (COCO's AP of masks), or "both" (also of boxes, as `box_AP`...).
        target: name of the boxes to learn, so that two heads can learn different ones; what
            belongs to them has names that begin alike: `room_boxes`, `room_instances`, ...

    Raises:
        ConfigError: an unknown setting, or one out of range.
    """

    terms = MappingProxyType(
        {
            "objectness_loss": Term(FasterRCNN.targets),
            "proposal_loss": Term(FasterRCNN.targets),
            "class_loss": Term(FasterRCNN.targets),
            "box_loss": Term(FasterRCNN.targets),
            "mask_loss": Term(MaskEncoding.targets),
        }
    )

    def __init__(
        self,
        classes: int | Sequence[str],
        name: str = "mask_rcnn",
        weight: float = 1.0,
        mask_weight: float = 1.0,
        mask_channels: int = 128,
        detection: Mapping[str, Any] | None = None,
        metric: str = "mask",
        target: str = "boxes",
    ) -> None:
        settings = dict(detection or {})
        taken = [key for key in SHARED_SETTINGS if key in settings]
        if taken or mask_channels < 1 or metric not in ("mask", "both"):
            raise ConfigError(
                "The settings of a Mask R-CNN head are not usable",
                expected="mask_channels >= 1, metric 'mask' or 'both', "
                f"and no {', '.join(SHARED_SETTINGS)} in detection",
                received=f"mask_channels={mask_channels}, metric={metric!r}, detection={settings}",
                where=f"head {name!r}",
            )
        settings |= {"classes": class_names(classes), "name": name, "target": target}
        detector = heads.create("faster_rcnn", **settings)
        self.detector = cast(FasterRCNN, detector)
        self.detector.truth_targets = ("instance_ids",)
        self.classes, self.name, self.weight = self.detector.classes, name, weight
        self.output_stride = self.detector.output_stride
        self.learn_boxes(target)
        check_weight(mask_weight, "mask_weight", f"head {name!r}")
        self.mask_weight, self.mask_channels, self.metric = mask_weight, mask_channels, metric

    def class_rows(self) -> dict[str, list[Any]]:
        """Classes of the rows of the detector, and of the masks."""
        rows = super().class_rows()
        masks = named_rows([None, *self.names(str(self.class_target))], f"{self.name}_mask")
        return {**rows, **masks} if rows else {}

    def _logits(self, features: Features, levels: Sequence[Any], boxes: Any, label: Any) -> Any:
        """(B * K, 28, 28) mask logits of boxes (B, K, 4) with labels (B, K), 1 + class or less."""
        regions = self.detector.regions(features, levels, boxes, POOLED)
        label = sym.maximum(label, 0)
        return mask_logits(self.name, regions, label, self.mask_channels, len(self.classes))

    def train(self, features: Features, labels: Mapping[str, Any]) -> dict[str, Any]:
        """Losses of the detector, and `mask_loss`, (B,) each: the mean over the positive boxes."""
        size = features.input_size
        levels = self.detector.levels(features)
        shaped = self.detector.shaped_labels(features, levels, labels)
        losses, samples = self.detector.losses(features, levels, shaped)
        count, _ = self.detector.sample_counts(size)
        boxes, target, truth = (
            sym.slice_axis(array, axis=1, begin=0, end=count)
            for array in (samples.boxes, samples.target, samples.truth)
        )
        owner = sym.reshape(sym.slice_axis(truth, axis=2, begin=5, end=6), shape=(0, -1))
        instances = shaped_label(labels["instances"], size, sample_zeros(levels[0]))
        where = f"head {self.name!r}, input {size}"
        expected, is_known = mask_targets(instances, boxes, owner, size, where)
        logits = self._logits(features, levels, boxes, target)
        loss = mask_loss(logits, expected, is_known, (target > 0) * (owner != NONE))
        return {**losses, "mask_loss": loss * self.mask_weight}

    def evaluate(self, features: Features) -> dict[str, Any]:
        """`boxes` as in detection, and `masks` (B, max_detections, 28, 28) uint8, 255 for 1."""
        levels = self.detector.levels(features)
        rows = self.detector.detect(features, levels)
        label = sym.reshape(sym.slice_axis(rows, axis=2, begin=0, end=1), shape=(0, -1)) + 1
        boxes = sym.slice_axis(rows, axis=2, begin=2, end=6)
        masks = sym.sigmoid(self._logits(features, levels, boxes, label))
        masks = sym.reshape_like(masks, label, lhs_begin=0, lhs_end=1, rhs_begin=0, rhs_end=2)
        return {"boxes": rows, "masks": sym.cast(sym.round(masks * 255), dtype="uint8")}

    def decode(
        self, outputs: Mapping[str, np.ndarray], geometries: Sequence[Geometry]
    ) -> list[InstanceDetections]:
        """Detections in original pixels with their masks, by falling score."""
        predictions: list[InstanceDetections] = []
        for rows, masks, geometry in zip(outputs["boxes"], outputs["masks"], geometries):
            order = detected_rows(rows, geometry)
            (detections,) = self.detector.decode({"boxes": rows[order][None]}, [geometry])
            boxes = detections["boxes"]
            pasted = paste_regions(masks[order], rows[order, 2:6], boxes, geometry)
            predictions.append({**detections, "masks": pasted})
        return predictions

    def program_lines(self) -> str:
        """Lines that print class, score and box of each object, and write its mask."""
        return print_regions(self.name)
