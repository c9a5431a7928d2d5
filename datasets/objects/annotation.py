"""What an annotation file says of an image, whatever its format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from densefit.errors import DataError

from .skeleton import Skeleton

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class ObjectAnnotation:
    """One annotated object.

    Attributes:
        name: class name.
        box: x1, y1, x2, y2 in continuous pixels (pixel j covers [j, j+1)), or in parts of the
            image's width and height, as its `ImageAnnotation` says.
        difficult: too hard to count against a detector (PASCAL VOC).
        crowd: several objects in one box (COCO).
        area: in pixels; None: the box's.
        segmentation: polygons, each [x, y, x, y, ...] in the box's unit, or COCO's run lengths;
            None if there is none.
        keypoints: (K, 3) float32 x, y and visibility (0, 1, 2), in the box's unit, (0, 0, 0) where
            not labelled; None if there are none.
        where: its position in the file, for errors: "line 3".
        fault: why it cannot be used, as the end of a sentence; it is treated as a bad box is.
    """

    name: str
    box: Box
    difficult: bool = False
    crowd: bool = False
    area: float | None = None
    segmentation: Any = None
    keypoints: np.ndarray | None = None
    where: str = ""
    fault: str = ""


@dataclass(frozen=True)
class ImageAnnotation:
    """One image with its objects.

    Attributes:
        id: unique in the dataset.
        file: path of the image below the dataset's image folder.
        objects: in the file's order.
        source: annotation file, for errors; None if the image has none.
        size: (height, width) as the file states it; None: the image's header is read.
        is_relative: boxes, polygons and keypoints are parts of the image's width and height, and
            areas of its area. They become pixels when the image is read, and its header is not
            read before.
        labels: classes of the whole image, besides its objects'.
        error: why the annotation cannot be used; raised when the sample is read.
        is_measured: the reader took the size out of the image's file.
    """

    id: str
    file: str
    objects: Sequence[ObjectAnnotation] = ()
    source: object = None
    size: tuple[int, int] | None = None
    is_relative: bool = False
    error: DataError | None = None
    labels: Sequence[str] = ()
    is_measured: bool = False


@dataclass(frozen=True)
class DatasetAnnotations:
    """What the annotation files of a dataset say.

    Attributes:
        images: with their objects.
        classes: class names, in index order.
        skeleton: of the keypoints, if they are wanted.
        notes: what else the dataset tells, as JSON can hold it.
    """

    images: Iterable[ImageAnnotation]
    classes: Sequence[str]
    skeleton: Skeleton | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)
