"""Pictures of class masks and of instances in a VOC folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from densefit.datasets.files.instance_maps import ids_of_boxes, read_instances
from densefit.datasets.files.masks import MaskReader


class VocMaps:
    """Reads `SegmentationClass` and `SegmentationObject`.

    Args:
        root: the folder.
        classes: how many classes a mask has; None: masks are not read.
        instances: read instances.
    """

    def __init__(self, root: Path, classes: int | None, instances: bool) -> None:
        self._root, self._instances = root, instances
        self._read_mask = None if classes is None else MaskReader(classes)

    def files(self, name: str) -> list[Path]:
        """The files of an id."""
        folders = ["SegmentationClass"] * (self._read_mask is not None)
        folders += ["SegmentationObject"] * self._instances
        return [self._root / folder / f"{name}.png" for folder in folders]

    def targets(
        self, name: str, image: Path, size: tuple[int, int], numbers: np.ndarray, boxes: Mapping
    ) -> dict[str, np.ndarray]:
        """Targets of an id.

        Args:
            name: the id.
            image: its image, for errors.
            size: (height, width) of the image.
            numbers: of its objects in the annotation, from 1.
            boxes: box targets of the objects.
        """
        targets: dict[str, np.ndarray] = {}
        files = self.files(name)
        if self._read_mask is not None:
            targets["mask"] = self._read_mask(files[0], image, size)
        if self._instances:
            instances = read_instances(files[-1], image, size)
            ids = ids_of_boxes(instances, boxes["boxes"], numbers.astype(np.int64), files[-1])
            targets.update(instances=instances, instance_ids=ids)
        return targets
