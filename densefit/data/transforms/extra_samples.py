"""Further samples for transforms that combine several, such as a mosaic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from densefit.data.checks.dropped_boxes import BoxRemark
from densefit.data.checks.sample import read_sample
from densefit.data.sample import Dataset, Geometry, Sample, UntoldGeometry
from densefit.data.sample_id import sample_id
from densefit.data.workers.errors import LostWorkerError, with_sample_id
from densefit.errors import DataError

#: Draws a number of further samples of the dataset.
Draw = Callable[[int], "list[Sample]"]

_ATTEMPTS = 10  # for one further sample, where broken ones are skipped


def apply_transform(
    transform: Callable[..., Sample], sample: Sample, rng: np.random.Generator, draw: Draw | None
) -> Sample:
    """Apply a transform. The geometry becomes an `UntoldGeometry` if the transform lost it.

    Args:
        transform: (sample, rng), or (sample, rng, draw) if it has `others`.
        sample: to transform.
        rng: its only source of randomness.
        draw: returns further samples.

    Raises:
        DataError: it needs further samples, and `draw` is None.
    """
    count = getattr(transform, "others", 0)
    before = sample.geometry or Geometry.identity(*sample.image.shape[:2])
    if not count:
        return _tracked(before, transform(sample, rng))
    if draw is None:
        raise DataError(
            "A transform takes further samples, and none can be drawn here",
            expected=f"a third argument: number -> samples, of which up to {count} are taken",
            received=repr(transform),
            where=f"sample {sample.id!r}",
            fix="give it to a Loader, or call it with transform(sample, rng, draw)",
        )
    return _tracked(before, transform(sample, rng, draw))


def _tracked(before: Geometry, after: Sample) -> Sample:
    """Check the geometry of a transformed sample against its size.

    After each step: a later one of fixed size would hide a mismatch.
    """
    if not isinstance(after, Sample) or after.image.ndim < 2:
        return after  # the loader raises
    geometry = UntoldGeometry.if_moved(before, after)
    return after if geometry is after.geometry else replace(after, geometry=geometry)


def draw_from(
    dataset: Dataset,
    index: int,
    rng: np.random.Generator,
    skips: bool = False,
    remarks: list[BoxRemark] | None = None,
) -> Draw:
    """Make a function that draws further samples uniformly, for the sample at `index`.

    It draws from the sample's generator, so that the further samples depend on (seed, epoch,
    index) alone. In a mixture, they come from the dataset of the sample: others would lack some of
    its targets.

    Args:
        dataset: to draw from.
        index: index of the sample.
        rng: random generator of the sample, shared with its transforms.
        skips: replace a broken sample by another one.
        remarks: see `read_sample`.
    """
    parts: Any = getattr(dataset, "parts", None)
    indices = range(len(dataset))
    for part in (parts or {}).values():
        indices = part if index in part else indices

    def draw(count: int) -> list[Sample]:
        return [read(position) for position in rng.integers(len(indices), size=count).tolist()]

    def read(position: int) -> Sample:
        first: DataError | None = None
        for _ in range(_ATTEMPTS):
            try:
                return read_sample(dataset, indices[position], remarks)
            except Exception as error:
                failure = with_sample_id(error, "Reading", sample_id(dataset, indices[position]))
                first = first or failure
                if not skips or isinstance(failure, LostWorkerError):
                    raise failure from error
            position = int(rng.integers(len(indices)))
        raise first or DataError("No further sample can be read")

    return draw
