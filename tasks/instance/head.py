"""The instance head: the detection head, with a mask for each box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

import numpy as np

from densefit.backend import mx
from densefit.data.loader.views import View
from densefit.data.sample import Geometry
from densefit.errors import ConfigError
from densefit.metrics import COCOMaskAveragePrecision, Metric
from densefit.model.heads.head import Features, Head, Term, class_names, heads
from densefit.model.loss_weights import check_weight
from densefit.model.tta.view_merger import Merger, Predictions
from densefit.tasks.detection.head import Detection
from densefit.tasks.detection.merge import select_detections
from densefit.tasks.detection.pyramid import anchor_rows

from .drawing import draw_annotated, draw_predicted
from .encoding import InstanceEncoding
from .loss import mask_loss
from .paste import run_lengths
from .prototypes import assemble_masks, prototypes
from .scoring import BoxAveragePrecision, true_masks

OWN = ("classes", "name", "weight", "metric")  # settings of the detector that are this head's


@heads.register("instance")
class Instance(InstanceEncoding, Head):
    """Boxes with classes, scores and masks, in the manner of YOLACT.

    A detection head finds boxes; the image has a few prototype masks, and each anchor predicts
    by how much each of them belongs to its object (Bolya et al., "YOLACT: Real-time Instance
    Segmentation", ICCV 2019). Needs `boxes`, `classes`, `instances` and `instance_ids`; a sample
    without instances trains boxes only, one without boxes nothing; the mask loss is the mean over
    the samples with instances.

    Predictions are dicts: `boxes` (m, 4) float32 xyxy in original pixels, `scores` (m,) float32,
    `classes` (m,) int64 and `masks`, m COCO run lengths of the original size, by falling score.

    Args:
        classes: the classes without the background: names, or how many.
        name: prefix of everything the head owns.
        weight: factor on the head's losses.
        mask_weight: factor on the mask loss beside those of class and box.
        prototypes: how many prototype masks an image has.
        mask_stride: input pixels of a cell of a mask: 4, or 2 for small objects.
        channels: channels of the maps that prototypes are made of.
        mask_positives: masks that an image trains at most; each object's first before any
            object's second.
        detection: settings of the detection head, such as `strides` and `sizes`.
        metric: "mask" (COCO's AP of masks), or "both" (of boxes too, called `box_AP`...).

    Raises:
        ConfigError: a setting that is none, or out of range.
    """

    targets = ("boxes", "classes", "instances", "instance_ids")
    class_target = "classes"
    terms = MappingProxyType(
        {
            "class_loss": Term(Detection.targets),
            "box_loss": Term(Detection.targets),
            "mask_loss": Term(targets),
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
    ) -> None:
        settings = dict(detection or {})
        taken = [key for key in OWN if key in settings]
        small = min(prototypes, channels, mask_positives) < 1
        if taken or small or mask_stride not in (2, 4) or metric not in ("mask", "both"):
            raise ConfigError(
                "The settings of an instance head are not usable",
                expected="prototypes, channels, mask_positives >= 1, mask_stride 2 or 4, metric "
                f"'mask' or 'both', and no {', '.join(OWN)} in detection",
                received=f"prototypes={prototypes}, channels={channels}, "
                f"mask_positives={mask_positives}, mask_stride={mask_stride}, metric={metric!r}, "
                f"detection={settings}",
                where=f"head {name!r}",
            )
        made = heads.create("detection", classes=class_names(classes), name=name, **settings)
        self.detector = cast(Detection, made)
        self.classes, self.name, self.weight = self.detector.classes, name, weight
        self.output_stride = self.detector.output_stride
        check_weight(mask_weight, "mask_weight", f"head {name!r}")
        self.mask_weight, self.prototypes, self.mask_stride = mask_weight, prototypes, mask_stride
        self.channels, self.mask_positives, self.metric = channels, mask_positives, metric

    def class_rows(self) -> dict[str, list[Any]]:
        """Those of the detector."""
        self.detector.learned_names = self.learned_names
        return self.detector.class_rows()

    def _masks(self, features: Features) -> tuple[list[Any], Any, Any]:
        """The levels, the prototypes, and the coefficients (B, A, prototypes) of all anchors."""
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
        return levels, maps, mx.sym.tanh(rows)

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
        found = self.detector.detect(*predicted, features.input_size)
        anchor = mx.sym.reshape(mx.sym.slice_axis(found, axis=2, begin=6, end=7), shape=(0, -1))
        # Rows that are left over have anchor -1; what is made of 0 instead is not looked at.
        anchor = mx.sym.maximum(anchor, 0)
        logits = assemble_masks(maps, coefficients, anchor, self._size(features.input_size))
        masks = mx.sym.cast(mx.sym.round(mx.sym.sigmoid(logits) * 255), dtype="uint8")
        return {"boxes": mx.sym.slice_axis(found, axis=2, begin=0, end=6), "masks": masks}

    def decode(
        self, outputs: Mapping[str, np.ndarray], geometries: Sequence[Geometry]
    ) -> list[Any]:
        """Detections in original pixels with their masks, by falling score."""
        predictions = []
        for rows, masks, geometry in zip(outputs["boxes"], outputs["masks"], geometries):
            order = np.argsort(-rows[:, 1], kind="stable")
            order = order[rows[order, 0] >= 0]
            (found,) = self.detector.decode({"boxes": rows[order][None]}, [geometry])
            found["masks"] = run_lengths(masks[order], found["boxes"], self.mask_stride, geometry)
            predictions.append(found)
        return predictions

    def view_merger(self, size: tuple[int, int]) -> Merger:
        """One suppression over the boxes of all views; masks go with their boxes."""
        return Predictions(self.decode, self._merged)

    def _merged(self, found: Sequence[Any], views: Sequence[View]) -> dict[str, Any]:
        kept = select_detections(found, views, self.detector.nms_iou, self.detector.max_detections)
        names = ("boxes", "scores", "classes")
        merged = {key: np.concatenate([part[key] for part in found])[kept] for key in names}
        masks = [mask for part in found for mask in part["masks"]]
        return {**merged, "masks": [masks[row] for row in kept]}

    def ground_truth(self, targets: Mapping[str, np.ndarray]) -> Any:
        """The objects and their masks, None if boxes or instances are not known."""
        return true_masks(targets)

    def metrics(self) -> list[Metric]:
        """COCO's average precision of masks, and of boxes if wanted.

        It looks at 100 detections of an image and class, or as many as there can be.
        """
        limit = max(100, self.detector.max_detections)
        metrics: list[Metric] = [COCOMaskAveragePrecision(self.classes, limit)]
        if self.metric == "both":
            metrics.append(BoxAveragePrecision(self.classes, limit))
        return metrics

    resizable = True
    supports_crops = True

    def draw(self, image: np.ndarray, prediction: Any) -> np.ndarray:
        """The detections above the detector's `draw_threshold`, each in a colour of its own."""
        return draw_predicted(image, prediction, self.classes, self.detector.draw_threshold)

    def draw_truth(self, image: np.ndarray, truth: Any) -> np.ndarray:
        """The annotated objects, each in a colour of its own; crowds are marked."""
        return draw_annotated(image, truth, self.classes)
