"""Labels of a YOLOX head: true boxes, which the graph assigns to cells."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from densefit.data.sample import Sample
from densefit.model.heads.head import Label

from ..anchors import Shapes, anchor_boxes, anchor_count
from ..box_head import BoxHead


class ObjectEncoding(BoxHead):
    """The part of `YOLOX` that encodes boxes as rows of a padded array.

    Attributes:
        strides: strides of the levels.
        max_boxes: number of rows.
    """

    strides: tuple[int, ...]
    max_boxes: int

    def cell_shapes(self) -> tuple[Shapes, ...]:
        """(width, height) of each level's cells."""
        return tuple(((float(stride), float(stride)),) for stride in self.strides)

    def cell_count(self, input_size: tuple[int, int]) -> int:
        """Number of cells A."""
        return anchor_count(input_size, self.strides, self.cell_shapes())

    def labels(self, input_size: tuple[int, int]) -> list[Label]:
        """`objects` (max_boxes, 5) [class, x1, y1, x2, y2] in input pixels, class -1: none.

        `background` (A,): 1 where a cell without an object is background, 0 where it may be one.
        `known` (1 + classes,): 0 for classes that the sample does not annotate, else 1.
        """
        return [
            Label("objects", (self.max_boxes, 5)),
            Label("background", (self.cell_count(input_size),)),
            Label("known", (1 + len(self.classes),)),
        ]

    def encode(self, sample: Sample) -> dict[str, np.ndarray]:
        """Encode the boxes; without a target `boxes` there are neither objects nor background.

        Of more than `max_boxes` boxes the smallest ones are ignored.
        """
        height, width = sample.image.shape[:2]
        objects = np.zeros((self.max_boxes, 5), np.float32)
        objects[:, 0] = -1
        background = np.zeros(self.cell_count((height, width)), np.float32)
        targets = sample.targets
        if "boxes" in targets:
            self.check_classes(sample)
            boxes = np.asarray(targets["boxes"], np.float32).reshape(-1, 4)
            sides = boxes[:, 2:] - boxes[:, :2]
            solid = (sides > 0).all(axis=1)
            learned = np.flatnonzero(solid & ~self.excluded(targets))
            if len(learned) > self.max_boxes:
                largest = np.argsort(-sides[learned].prod(axis=1), kind="stable")
                learned = np.sort(learned[largest[: self.max_boxes]])
            objects[: len(learned), 0] = np.asarray(targets["classes"])[learned]
            objects[: len(learned), 1:] = boxes[learned]
            ignored = np.setdiff1d(np.flatnonzero(solid), learned)
            background[:] = ~self._inside((height, width), boxes[ignored])
        annotated = self.annotated_classes(sample)
        return {"objects": objects, "background": background, "known": annotated}

    def positives(self, labels: Mapping[str, np.ndarray]) -> int:
        """Number of boxes: each is assigned to one cell at least."""
        return int(np.count_nonzero(labels["objects"][:, 0] >= 0))

    def _inside(self, input_size: tuple[int, int], boxes: np.ndarray) -> np.ndarray:
        """(A,) bool: whether a cell's centre lies in one of (n, 4) boxes."""
        cells = anchor_boxes(input_size, self.strides, self.cell_shapes())
        centers = ((cells[:, :2] + cells[:, 2:]) / 2)[:, None]
        inside = (centers > boxes[:, :2]) & (centers < boxes[:, 2:])
        return np.asarray(inside.all(axis=2).any(axis=1))
