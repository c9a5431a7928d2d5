"""The instance head: a detection head with a mask for each box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

import numpy as np

from densefit.data.sample import Geometry
from densefit.errors import ConfigError
from densefit.model.heads.head import Features, Term, class_names, heads
from densefit.model.loss_weights import check_weight
from densefit.symbol import sym
from densefit.tasks.detection.head import Detection
from densefit.tasks.detection.merge import detected_rows
from densefit.tasks.detection.pyramid import anchor_rows
from densefit.tasks.predictions import InstanceDetections

from .encoding import InstanceEncoding
from .instance_head import SHARED_SETTINGS
from .loss import mask_loss
from .paste import paste_masks
from .program import print_instances
from .prototypes import assemble_masks, prototypes


@heads.register("instance")
class Instance(InstanceEncoding):
    """Boxes with classes, scores and masks, as in YOLACT.

    A detection head predicts boxes; the image has a few prototype masks, and each anchor predicts
    their coefficients in the mask of its object (Bolya et al., "YOLACT: Real-time Instance
    Segmentation", ICCV 2019). Needs `boxes`, `classes`, `instances` and `instance_ids`; a sample
    without instances trains boxes only, a sample without boxes nothing; the mask loss is the mean
    over the samples with instances.

    Predictions are dicts: `boxes` (m, 4) float32 xyxy in original pixels, `scores` (m,) float32,
    `classes` (m,) int64 and `masks`, m COCO run lengths of the original size, by falling score.

    Args:
        classes: the classes without the background: names, or their number.
        name: prefix of labels, outputs, parameters and scores.
        weight: factor on the head's losses.
        mask_weight: factor on the mask loss, relative to class and box losses.
        prototypes: number of prototype masks.
        mask_stride: stride of the masks: 4, or 2 for small objects.
        channels: channels of the feature maps from which prototypes are computed.
        mask_positives: maximum number of trained masks per image; one per object before a second
            one of any.
        detection: settings of the detection head, such as `strides` and `sizes`.
        metric: "mask" (COCO's AP of masks), or "both" (also of boxes, as `box_AP`...).
        target: name of the boxes to learn, so that two heads can learn different ones; what
            belongs to them has names that begin alike: `room_boxes`, `room_instances`, ...

    Raises:
        ConfigError: an unknown setting, or one out of range.
    """

    terms = MappingProxyType(
        {
            "class_loss": Term(Detection.targets),
            "box_loss": Term(Detection.targets),
            "mask_loss": Term(InstanceEncoding.targets),
        }
    )

    def __init__(
        self,
        classes: int | Sequence[str],
        name: str = "instance",
        weight: float = 1.0,
        mask_weight: float = 6.125,
        prototypes: int = 32,
        mask_stride: int = 4,
        channels: int = 128,
        mask_positives: int = 100,
        detection: Mapping[str, Any] | None = None,
        metric: str = "mask",
        target: str = "boxes",
    ) -> None:
        settings = dict(detection or {})
        taken = [key for key in SHARED_SETTINGS if key in settings]
        small = min(prototypes, channels, mask_positives) < 1
        if taken or small or mask_stride not in (2, 4) or metric not in ("mask", "both"):
            raise ConfigError(
                "The settings of an instance head are not usable",
                expected="prototypes, channels, mask_positives >= 1, mask_stride 2 or 4, metric "
                f"'mask' or 'both', and no {', '.join(SHARED_SETTINGS)} in detection",
                received=f"prototypes={prototypes}, channels={channels}, "
                f"mask_positives={mask_positives}, mask_stride={mask_stride}, metric={metric!r}, "
                f"detection={settings}",
                where=f"head {name!r}",
            )
        settings |= {"classes": class_names(classes), "name": name, "target": target}
        detector = heads.create("detection", **settings)
        self.detector = cast(Detection, detector)
        self.classes, self.name, self.weight = self.detector.classes, name, weight
        self.output_stride = self.detector.output_stride
        self.learn_boxes(target)
        check_weight(mask_weight, "mask_weight", f"head {name!r}")
        self.mask_weight, self.prototypes, self.mask_stride = mask_weight, prototypes, mask_stride
        self.channels, self.mask_positives, self.metric = channels, mask_positives, metric

    def _masks(self, features: Features) -> tuple[list[Any], Any, Any]:
        """Levels, prototypes, and coefficients (B, A, prototypes) of all anchors."""
        levels = self.detector.levels(features)
        strides = self.detector.strides
        maps = prototypes(
            self.name,
            features,
            levels[0],
            strides[0],
            self.channels,
            self.prototypes,
            self.mask_stride,
        )
        counts = [len(shapes) for shapes in self.detector.shapes(features.input_size)]
        rows = anchor_rows(self.name, "mask", levels, strides, counts, self.prototypes)
        return levels, maps, sym.tanh(rows)

    def train(self, features: Features, labels: Mapping[str, Any]) -> dict[str, Any]:
        """`class_loss`, `box_loss` and `mask_loss`, (B,) each."""
        levels, maps, coefficients = self._masks(features)
        predicted = self.detector.predictions(levels, features.input_size)
        size = self._size(features.input_size)
        logits = assemble_masks(maps, coefficients, labels["anchor"], size)
        loss = mask_loss(logits, labels["instances"], labels["owner"], labels["window"], size)
        return {
            **self.detector.losses(*predicted, labels, features.input_size),
            "mask_loss": loss * self.mask_weight,
        }

    def evaluate(self, features: Features) -> dict[str, Any]:
        """`boxes` as in detection, and `masks` (B, max_detections, h, w) uint8, 255 for 1."""
        levels, maps, coefficients = self._masks(features)
        predicted = self.detector.predictions(levels, features.input_size)
        rows = self.detector.detect(*predicted, features.input_size)
        anchor = sym.reshape(sym.slice_axis(rows, axis=2, begin=6, end=7), shape=(0, -1))
        # Unused rows have anchor -1; their masks, of anchor 0 instead, are dropped by `decode`.
        anchor = sym.maximum(anchor, 0)
        logits = assemble_masks(maps, coefficients, anchor, self._size(features.input_size))
        masks = sym.cast(sym.round(sym.sigmoid(logits) * 255), dtype="uint8")
        return {"boxes": sym.slice_axis(rows, axis=2, begin=0, end=6), "masks": masks}

    def decode(
        self, outputs: Mapping[str, np.ndarray], geometries: Sequence[Geometry]
    ) -> list[InstanceDetections]:
        """Detections in original pixels with their masks, by falling score."""
        predictions: list[InstanceDetections] = []
        for rows, masks, geometry in zip(outputs["boxes"], outputs["masks"], geometries):
            order = detected_rows(rows, geometry)
            (detections,) = self.detector.decode({"boxes": rows[order][None]}, [geometry])
            boxes = detections["boxes"]
            pasted = paste_masks(masks[order], boxes, self.mask_stride, geometry)
            predictions.append({**detections, "masks": pasted})
        return predictions

    def program_lines(self) -> str:
        """Lines that print class, score and box of each object, and write its mask."""
        return print_instances(self.name, self.mask_stride)
