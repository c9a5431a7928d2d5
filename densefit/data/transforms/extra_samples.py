"""Further samples for transforms that make one result of several, as a mosaic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from densefit.data.checks.dropped_boxes import Remark
from densefit.data.checks.sample import read_sample
from densefit.data.sample import Dataset, Geometry, Sample, UntoldGeometry
from densefit.data.sample_id import sample_id
from densefit.data.workers.errors import LostWorkerError, with_id
from densefit.errors import DataError

#: So many further samples, read when asked for.
Draw = Callable[[int], "list[Sample]"]

_DRAWS = 10  # for one further sample, where broken ones are skipped


def applied(
    transform: Callable[..., Sample], sample: Sample, rng: np.random.Generator, draw: Draw | None
) -> Sample:
    """The transformed sample. Its geometry is untold where the transform did not keep track.

    Args:
        transform: (sample, rng), or (sample, rng, draw) if it has `others`.
        sample: what it changes.
        rng: all its chance.
        draw: gives further samples.

    Raises:
        DataError: it takes further samples, and there are none to be had.
    """
    wanted = getattr(transform, "others", 0)
    known = sample.geometry or Geometry.identity(*sample.image.shape[:2])
    if not wanted:
        return _tracked(known, transform(sample, rng))
    if draw is None:
        raise DataError(
            "A transform takes further samples, and none can be drawn here",
            expected=f"a third argument: number -> samples, of which up to {wanted} are taken",
            received=repr(transform),
            where=f"sample {sample.id!r}",
            fix="give it to a Loader, or call it with transform(sample, rng, draw)",
        )
    return _tracked(known, transform(sample, rng, draw))


def _tracked(known: Geometry, after: Sample) -> Sample:
    """A sample behind a transform with a geometry that holds for it.

    Looked at behind each step: a later one of fixed size would hide that the sizes do not fit.
    """
    if not isinstance(after, Sample) or after.image.ndim < 2:
        return after  # an error of another place
    geometry = UntoldGeometry.if_moved(known, after)
    return after if geometry is after.geometry else replace(after, geometry=geometry)


def drawn_from(
    dataset: Dataset,
    index: int,
    rng: np.random.Generator,
    skips: bool = False,
    remarks: list[Remark] | None = None,
) -> Draw:
    """Draws further samples of a dataset for the one at `index`, each as likely, also that one.

    Chance comes from the sample's own generator, so that which ones it gets depends on (seed,
    epoch, index) alone. Of a mixture, they come from the same dataset as the sample: others would
    lack some of its targets.

    Args:
        dataset: what is drawn from.
        index: of the sample for which they are drawn.
        rng: of that sample, at which its transforms draw as well.
        skips: draw another one in place of one that is broken.
        remarks: see `read_sample`.
    """
    parts: Any = getattr(dataset, "parts", None)
    choice = range(len(dataset))
    for part in (parts or {}).values():
        choice = part if index in part else choice

    def draw(count: int) -> list[Sample]:
        return [read(place) for place in rng.integers(len(choice), size=count).tolist()]

    def read(place: int) -> Sample:
        first: DataError | None = None
        for _ in range(_DRAWS):
            try:
                return read_sample(dataset, choice[place], remarks)
            except Exception as error:
                failure = with_id(error, "Reading", sample_id(dataset, choice[place]))
                first = first or failure
                if not skips or isinstance(failure, LostWorkerError):
                    raise failure from error
            place = int(rng.integers(len(choice)))
        raise first or DataError("No further sample can be read")

    return draw
