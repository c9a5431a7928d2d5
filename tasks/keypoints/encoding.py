"""Labels and ground truth of a keypoint head, from a sample's annotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.data.classes.known_classes import known_classes
from densefit.data.sample import Sample
from densefit.model.heads.head import Label

from .checks import check_sample
from .class_subset import ClassSubset
from .maps import STRIDE
from .skeleton import Skeleton
from .targets import empty_targets, targets

ANNOTATIONS = ("keypoints", "boxes", "classes", "crowd", "area")


class KeypointEncoding:
    """The part of `Keypoints` that reads annotations.

    Its attributes are settings of `Keypoints`.
    """

    name: str
    classes: list[str]
    skeleton: Skeleton
    max_objects: int
    heat_maps: bool
    _subset: ClassSubset

    def _size(self, input_size: Sequence[int]) -> tuple[int, int]:
        """(height, width) of the maps."""
        return -(-input_size[0] // STRIDE), -(-input_size[1] // STRIDE)

    def labels(self, input_size: tuple[int, int]) -> list[Label]:
        """The arrays of `targets.targets` (`joint` and `joint_mask` with heat maps only); `known`.

        `known` (classes,) is 0 for classes that the sample does not annotate, else 1.
        """
        size, count = self._size(input_size), len(self.skeleton)
        labels = [
            Label("centre", (len(self.classes), *size)),
            Label("mask", size),
            Label("cell", (self.max_objects,)),
            Label("box", (self.max_objects, 4)),
            Label("place", (self.max_objects, count, 3)),
            Label("known", (len(self.classes),)),
        ]
        joints = [Label("joint", (count, *size)), Label("joint_mask", size)]
        return [*labels, *joints] if self.heat_maps else labels

    def encode(self, sample: Sample) -> dict[str, np.ndarray]:
        """Encode the objects as maps and offsets; a sample without `keypoints` trains nothing.

        Raises:
            DataError: keypoints of another number or order than the head's, missing boxes, or an
                object of no known class.
        """
        height, width = sample.image.shape[:2]
        size = self._size((height, width))
        where = f"sample {sample.id!r}, head {self.name!r}"
        annotations = sample.targets
        annotated = self._annotated_classes(annotations, where)
        if "keypoints" not in annotations:
            arrays = empty_targets(size, len(self.classes), len(self.skeleton), self.max_objects)
        else:
            check_sample(sample, self.skeleton, where)
            classes = self._subset.indices(annotations["classes"], where)
            chosen = classes >= 0  # objects of other classes are background
            arrays = targets(
                annotations["boxes"][chosen],
                classes[chosen],
                annotations["keypoints"][chosen],
                annotations.get("crowd", np.zeros(len(classes), bool))[chosen],
                size,
                STRIDE,
                len(self.classes),
                self.max_objects,
                annotated,
            )
        arrays["known"] = annotated.astype(np.float32)
        return {label.name: arrays[label.name] for label in self.labels((height, width))}

    def _annotated_classes(self, annotations: Mapping[str, np.ndarray], where: str) -> np.ndarray:
        """(classes,) bool: which of the head's classes a sample annotates."""
        return self._subset.select(known_classes(annotations, len(self._subset.among), where))

    def positives(self, labels: Mapping[str, np.ndarray]) -> int:
        """Number of cells that learn an object."""
        return int(np.count_nonzero(labels["cell"] >= 0))

    def objects(self, sample: Sample) -> int:
        """Number of objects of the head's classes, without crowds, at most `max_objects`."""
        where = f"sample {sample.id!r}, head {self.name!r}"
        learned = self._subset.indices(sample.targets["classes"], where) >= 0
        crowd = sample.targets.get("crowd", np.zeros(len(learned), bool))
        learned &= ~np.asarray(crowd, bool)
        return min(int(np.count_nonzero(learned)), self.max_objects)

    def ground_truth(self, targets: Mapping[str, np.ndarray]) -> dict[str, Any] | None:
        """Annotated objects of the head's classes, with its class indices.

        None if the sample has no `keypoints` at all.

        Raises:
            DataError: an object of no known class.
        """
        if "keypoints" not in targets:
            return None
        truth = {key: targets[key] for key in ANNOTATIONS if key in targets}
        if "classes" in truth:
            classes = self._subset.indices(truth["classes"], f"head {self.name!r}")
            columns = {**truth, "classes": classes}
            truth = {key: value[classes >= 0] for key, value in columns.items()}
        if "known_classes" in targets:
            truth["known_classes"] = self._annotated_classes(targets, f"head {self.name!r}")
        return truth
