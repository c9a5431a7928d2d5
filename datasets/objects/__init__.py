"""Images with annotated objects: what the readers of all layouts share."""

from __future__ import annotations

from .annotation import ImageAnnotation, ObjectAnnotation
from .object_dataset import ObjectDataset

__all__ = ["ImageAnnotation", "ObjectAnnotation", "ObjectDataset"]
