"""Map a dataset's targets to the classes and keypoints of a head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from densefit.data.classes.class_map import ClassMap, mapped
from densefit.data.classes.keypoint_matching import PointMap
from densefit.data.classes.known_classes import with_known
from densefit.data.geometry.box_members import BOXES, under_standard_names
from densefit.errors import ConfigError


@dataclass(frozen=True)
class TargetMapping:
    """Map a dataset's targets to a head's names and classes; false if nothing changes.

    Attributes:
        classes: target -> its class map.
        points: keypoint target -> its keypoint map.
        refused: target that no probed sample has -> why its classes do not match the head's.
        boxes: name of the boxes that the head learns.
    """

    classes: Mapping[str, ClassMap] = field(default_factory=dict)
    points: Mapping[str, PointMap] = field(default_factory=dict)
    refused: Mapping[str, ConfigError] = field(default_factory=dict)
    boxes: str = BOXES

    def __bool__(self) -> bool:
        return bool(self.classes or self.points or self.refused or self.boxes != BOXES)

    def __call__(self, targets: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Map targets to the head's class indices; classes that the dataset lacks are absent.

        Boxes of another name, and what belongs to them, get the standard names that heads read.

        Raises:
            DataError: a class index is out of range.
            ConfigError: a target that no probed sample has occurs, with classes that the head
                lacks.
        """
        for target, error in self.refused.items():
            if target in targets:
                raise error.with_traceback(None)
        maps = {target: change for target, change in self.classes.items() if target in targets}
        mapped_targets = with_known(mapped(targets, maps), targets, maps, "background")
        for change in self.points.values():
            mapped_targets = change(mapped_targets)
        return under_standard_names(mapped_targets, self.boxes)
