"""What becomes of a dataset's targets before a head sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from densefit.data.classes.class_map import ClassMap, mapped
from densefit.data.classes.keypoint_matching import PointMap
from densefit.data.classes.known_classes import with_known
from densefit.errors import ConfigError


@dataclass(frozen=True)
class TargetMapping:
    """How targets of a dataset become those of a head; false where nothing changes.

    Attributes:
        classes: target -> how its numbers change.
        points: target of keypoints -> how they change places.
        refused: target that no sample was seen to have -> why its numbers cannot be the head's.
    """

    classes: Mapping[str, ClassMap] = field(default_factory=dict)
    points: Mapping[str, PointMap] = field(default_factory=dict)
    refused: Mapping[str, ConfigError] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.classes or self.points or self.refused)

    def __call__(self, targets: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The targets with the head's numbers. Classes that the dataset lacks are not there.

        Raises:
            DataError: a number that is no class of the dataset.
            ConfigError: a target comes that was not seen before, with classes that the head lacks.
        """
        for target, error in self.refused.items():
            if target in targets:
                raise error.with_traceback(None)
        maps = {target: change for target, change in self.classes.items() if target in targets}
        found = with_known(mapped(targets, maps), targets, maps, "background")
        for change in self.points.values():
            found = change(found)
        return found
