"""The keypoint head: objects as points, at stride 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np

from densefit.data.classes.class_lists import Numbered, are_numbers
from densefit.data.sample import Geometry
from densefit.errors import ConfigError
from densefit.metrics import COCOKeypointAveragePrecision, Metric
from densefit.model.heads.box_target import BoxTarget
from densefit.model.heads.head import Features, heads, named_rows
from densefit.model.heads.teachable import once_per_features
from densefit.model.loss_weights import check_weight
from densefit.model.tta.view_merger import Merger, Predictions
from densefit.tasks.detection.checks import check_exact_count
from densefit.tasks.predictions import KeypointDetections

from .class_subset import ClassSubset
from .distillation import keypoint_loss
from .drawing import draw_annotated_poses, draw_poses
from .encoding import KeypointEncoding
from .loss import box_loss, heat_loss, place_loss, rest_loss
from .maps import maps
from .merge import merge_objects
from .program import print_keypoints
from .select import joint_peaks, objects
from .skeleton import Pairs, Skeleton
from .snap import snap_to_peaks


@heads.register("keypoints")
class Keypoints(KeypointEncoding, BoxTarget):
    """Objects with keypoints: poses of persons, or any objects with named points.

    Needs the targets `keypoints`, `boxes` and `classes`. An object is detected as the peak of a
    heat map at the centre of its box, where its keypoints are regressed; each keypoint is then
    moved to the nearest peak of its own heat map (Zhou et al., "Objects as Points",
    arXiv:1904.07850). Crowds and objects without labelled keypoints are ignored, as in the COCO
    evaluation. Objects of other classes than the head's are background, and not scored. Where a
    sample does not annotate all of the head's classes, pixels outside of its boxes are ignored by
    the heat maps of keypoints, which all classes share.

    Predictions are dicts: `keypoints` (m, K, 3) float32 x, y in original pixels and confidence,
    `boxes` (m, 4) float32 xyxy, `scores` (m,) float32, `classes` (m,) int64, by falling score.
    Coordinates are continuous: those in COCO's files are half a pixel lower.

    Args:
        classes: names of the classes with keypoints, or their number.
        name: prefix of labels, outputs, parameters and scores.
        weight: factor on the head's losses.
        keypoints: names, or their number. None: the 17 of COCO's persons.
        limbs: pairs of names that are joined in drawings. None: COCO's for COCO's names, else none.
        flip_pairs: pairs of names that are swapped in a flipped image ([] for none); needed to
            merge flipped views. None: pairs of a left and a right name.
        sigmas: for scoring, standard deviation of the annotations of each keypoint, relative to
            the object's size. None: COCO's for COCO's names, else 0.05 for each.
        channels: channels of the head's feature maps.
        heat_maps: also learn heat maps of the keypoints; else keypoints are as regressed from the
            centre, with confidence 1.
        size_weight: factor on the loss of the boxes' sides.
        max_objects: objects per image whose boxes and keypoints are trained, the largest first;
            heat maps are trained on all.
        max_detections: maximum number of detections per image, and of peaks per keypoint.
        score_threshold: detections below are dropped; keep it low for a full AP curve.
        peak_threshold: lowest probability of a peak that a keypoint is moved to, and lowest
            confidence of a keypoint that `draw` shows.
        alike: object keypoint similarity from which the objects of two views are merged.
        draw_threshold: lowest score that `draw` shows. Default of the tools: the score at which F1
            is highest on the scored data.
        among: names of all classes of the dataset, in the order of its targets' class indices, or
            their number. None: `classes` are all.
        target: name of the boxes to learn, so that two heads can learn different ones; what belongs
            to them has names that begin alike: `hand_boxes`, `hand_keypoints`, ...

    Raises:
        ConfigError: a setting is out of range, or see `Skeleton` and `ClassSubset`.
    """

    targets = ("keypoints",)
    class_target = "classes"
    class_subset = "keypoint_classes"
    dataset_settings: ClassVar[Mapping[str, str]] = {
        "keypoints": "keypoint_names",
        "limbs": "limbs",
        "flip_pairs": "flip_pairs",
    }

    def __init__(
        self,
        classes: int | Sequence[str] = ("person",),
        name: str = "keypoints",
        weight: float = 1.0,
        keypoints: int | Sequence[str] | None = None,
        limbs: Pairs = None,
        flip_pairs: Pairs = None,
        sigmas: Sequence[float] | None = None,
        channels: int = 64,
        heat_maps: bool = True,
        size_weight: float = 0.1,
        max_objects: int = 32,
        max_detections: int = 20,
        score_threshold: float = 0.01,
        peak_threshold: float = 0.1,
        alike: float = 0.5,
        draw_threshold: float = 0.3,
        among: int | Sequence[str] | None = None,
        target: str = "boxes",
    ) -> None:
        self._subset = ClassSubset(classes, among, f"head {name!r}")
        self.classes, self.among = self._subset.names, self._subset.among
        self.name, self.weight = name, weight
        self.learn_boxes(target)
        self.skeleton = Skeleton(keypoints, limbs, flip_pairs, sigmas, f"head {name!r}")
        self.channels, self.heat_maps, self.size_weight = channels, heat_maps, size_weight
        self.max_objects, self.max_detections = max_objects, max_detections
        self.score_threshold, self.peak_threshold = score_threshold, peak_threshold
        self.alike, self.draw_threshold = alike, draw_threshold
        check_weight(size_weight, "size_weight", f"head {name!r}")
        counts = {key: getattr(self, key) for key in ("channels", "max_objects", "max_detections")}
        if min(counts.values()) < 1 or not 0 < alike <= 1:
            raise ConfigError(
                "A setting of a keypoint head is out of range",
                expected="counts of at least 1, 0 < alike <= 1",
                received=f"{counts}, alike {alike}",
                where=f"head {name!r}",
            )

    def target_classes(self) -> list[str]:
        """Names of all classes of the dataset, by class index."""
        return Numbered(self.among) if isinstance(self.among, Numbered) else list(self.among)

    def class_rows(self) -> dict[str, list[Any]]:
        """Classes and keypoints of the rows of the last layers."""
        points = self.names(self.targets[0])
        named = {} if are_numbers(points) else self._point_rows(points)
        classes = self.names(str(self.class_target)) if are_numbers(self.classes) else self.classes
        return {**named_rows(classes, f"{self.name}_centre"), **named}

    def _point_rows(self, points: Sequence[str]) -> dict[str, list[Any]]:
        return {
            **named_rows(points, f"{self.name}_joint"),
            **named_rows([(p, axis) for p in points for axis in "xy"], f"{self.name}_place"),
            **named_rows([(p, axis) for axis in "xy" for p in points], f"{self.name}_rest"),
        }

    def class_lists(self) -> dict[str, list[str]]:
        """Names of the classes, and of the keypoints."""
        return {**super().class_lists(), self.targets[0]: self.skeleton.names}

    @once_per_features
    def _maps(self, features: Features) -> dict[str, Any]:
        counts = (len(self.classes), len(self.skeleton))
        return maps(self.name, features, self.channels, *counts, self.heat_maps)

    softens = True

    def teacher_outputs(self, features: Features) -> dict[str, Any]:
        """All maps, (B, C, H/4, W/4) each."""
        return dict(self._maps(features))

    def teacher_loss(
        self, student: Mapping[str, Any], teacher: Mapping[str, Any], temperature: float
    ) -> Any:
        """(B,), see `densefit.tasks.keypoints.distillation`."""
        sizes = self.size_weight, len(self.skeleton)
        return keypoint_loss(student, teacher, temperature, *sizes)

    def check_teacher(self, teacher: Any, where: str) -> None:
        """Raise ConfigError if only one of both heads has heat maps of the keypoints."""
        if self.heat_maps != teacher.heat_maps:
            raise ConfigError(
                "The teacher has other maps",
                expected=f"heat_maps: {self.heat_maps}",
                received=f"heat_maps: {teacher.heat_maps}",
                where=where,
                fix="give both heads the same heat_maps",
            )

    def train(self, features: Features, labels: Mapping[str, Any]) -> dict[str, Any]:
        """`centre_loss`, `box_loss` and `place_loss`, with heat maps also theirs; (B,) each."""
        predicted, count = self._maps(features), len(self.skeleton)
        mask, cell, offsets = labels["mask"], labels["cell"], labels["place"]
        losses = {
            "centre_loss": heat_loss(predicted["centre"], labels["centre"], mask, labels["known"]),
            "box_loss": box_loss(predicted["box"], cell, labels["box"], self.size_weight),
            "place_loss": place_loss(predicted["place"], cell, offsets, count),
        }
        if self.heat_maps:
            size = self._size(features.input_size)
            losses["joint_loss"] = heat_loss(
                predicted["joint"], labels["joint"], labels["joint_mask"]
            )
            losses["rest_loss"] = rest_loss(predicted["rest"], cell, offsets, count, size)
        return losses

    def evaluate(self, features: Features) -> dict[str, Any]:
        """`objects` (B, max_detections, 6 + 3 K), and `peaks` (B, K, max_detections, 3)."""
        predicted, count = self._maps(features), len(self.skeleton)
        size = self._size(features.input_size)
        cells = size[0] * size[1]
        where = f"head {self.name!r}, input {features.input_size}"
        check_exact_count(cells * len(self.classes), "cells and classes", where)
        limit = min(self.max_detections, cells)
        outputs = {"objects": objects(predicted, size, count, limit)}
        if self.heat_maps:
            outputs["peaks"] = joint_peaks(predicted, size, count, limit)
        return outputs

    def decode(
        self, outputs: Mapping[str, np.ndarray], geometries: Sequence[Geometry]
    ) -> list[KeypointDetections]:
        """Objects in original pixels, by falling score; left and right as in the original.

        Raises:
            ConfigError: a view is flipped, and `flip_pairs` are unknown.
        """
        predictions: list[KeypointDetections] = []
        for row, geometry in enumerate(geometries):
            rows = outputs["objects"][row]
            rows = rows[rows[:, 1] >= self.score_threshold]
            rows = rows[geometry.boxes_in_image(rows[:, 2:6])]
            boxes, points = rows[:, 2:6], rows[:, 6:].reshape(len(rows), len(self.skeleton), 3)
            if self.heat_maps:
                points = snap_to_peaks(points, boxes, outputs["peaks"][row], self.peak_threshold)
            if np.linalg.det(geometry.matrix[:, :2]) < 0:
                points = points[:, self.skeleton.flip_order(f"head {self.name!r}")]
            coordinates = geometry.points_to_original(points[..., :2])
            predictions.append(
                {
                    "keypoints": np.concatenate(
                        [coordinates, points[..., 2:]], axis=2, dtype=np.float32
                    ),
                    "boxes": geometry.boxes_to_original(boxes),
                    "scores": rows[:, 1].astype(np.float32),
                    "classes": rows[:, 0].astype(np.int64),
                }
            )
        return predictions

    def view_merger(self, size: tuple[int, int]) -> Merger:
        """A merger that averages matching objects of several views."""
        sigmas, limit = self.skeleton.sigmas, self.max_detections
        return Predictions(
            self.decode, partial(merge_objects, sigmas=sigmas, alike=self.alike, limit=limit)
        )

    def program_lines(self) -> str:
        """Lines that print class, score, box and keypoints of each object."""
        limits = self.score_threshold, self.peak_threshold
        return print_keypoints(self.name, *limits, has_peaks=self.heat_maps)

    def metrics(self) -> list[Metric]:
        """COCO's average precision by object keypoint similarity."""
        sigmas = self.skeleton.sigmas.tolist()
        return [COCOKeypointAveragePrecision(self.classes, sigmas, self.max_detections)]

    resizable = True
    supports_crops = True

    def draw(self, image: np.ndarray, prediction: Any) -> np.ndarray:
        """The detections above `draw_threshold`: boxes with their names, and skeletons."""
        return draw_poses(
            image,
            prediction,
            self.classes,
            self.skeleton.limbs,
            self.draw_threshold,
            self.peak_threshold,
        )

    def draw_truth(self, image: np.ndarray, truth: Any) -> np.ndarray:
        """The annotated objects; crowds and objects without keypoints are marked."""
        return draw_annotated_poses(image, truth, self.classes, self.skeleton.limbs)
