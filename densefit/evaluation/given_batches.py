"""Batches of fitted images, as engines read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from densefit.data.batch import ArraySpec, Batch
from densefit.data.loader.views import Views
from densefit.evaluation.image_fit import FittedImage


class GivenBatches:
    """An iterator over batches of one shape that are set before each pass.

    Args:
        rows: rows of a full batch.
        shape: shape of a row, (3, H, W).
        views: settings of the views, if rows are views of images.

    Attributes:
        batches: the batches of the next pass.
    """

    provide_label: Sequence[ArraySpec] = ()

    def __init__(self, rows: int, shape: Sequence[int], views: Views | None) -> None:
        self.provide_data = [ArraySpec("data", (rows, *shape), np.uint8)]
        self.batches: Sequence[Batch] = ()
        if views is not None:
            self.views = views

    def reset(self) -> None:
        """Move to the start, where each iteration begins."""

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.batches)


def whole_batch(images: Sequence[FittedImage]) -> Batch:
    """Collate images of one row each."""
    return Batch(
        {"data": np.stack([image.rows[0] for image in images])},
        {},
        real=len(images),
        ids=[str(index) for index in range(len(images))],
        geometries=[image.geometries[0] for image in images],
    )


def view_batches(images: Sequence[FittedImage], size: int) -> list[Batch]:
    """Collate the views of images, which follow one another.

    Args:
        images: images of one input size.
        size: rows of a full batch.
    """
    views = [
        (str(number), row, view)
        for number, image in enumerate(images)
        for row, view in zip(image.rows, image.geometries)
    ]
    batches = []
    for first in range(0, len(views), size):
        some = views[first : first + size]
        batches.append(
            Batch(
                {"data": np.stack([row for _, row, _ in some])},
                {},
                real=len(some),
                ids=[key for key, _, _ in some],
                targets=[{} for _ in some],
                geometries=[view for _, _, view in some],
            )
        )
    return batches
