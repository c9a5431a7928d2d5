"""Images with annotated objects: what the readers of all layouts share."""

from __future__ import annotations

from .annotation import DatasetAnnotations, ImageAnnotation, ObjectAnnotation
from .dataset_table import Stored
from .object_dataset import ObjectDataset

__all__ = ["DatasetAnnotations", "ImageAnnotation", "ObjectAnnotation", "ObjectDataset", "Stored"]
