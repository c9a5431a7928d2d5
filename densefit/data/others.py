"""Further samples for transforms that make one result of several, as a mosaic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from densefit.data.sample import Dataset, Sample
from densefit.errors import DataError, DensefitError

#: So many further samples, read when asked for.
Draw = Callable[[int], "list[Sample]"]


def applied(
    transform: Callable[..., Sample], sample: Sample, rng: np.random.Generator, draw: Draw | None
) -> Sample:
    """The transformed sample.

    Args:
        transform: (sample, rng), or (sample, rng, draw) if it has `others`.
        sample: what it changes.
        rng: all its chance.
        draw: gives further samples.

    Raises:
        DataError: it takes further samples, and there are none to be had.
    """
    wanted = getattr(transform, "others", 0)
    if not wanted:
        return transform(sample, rng)
    if draw is None:
        raise DataError(
            "A transform takes further samples, and none can be drawn here",
            expected=f"a third argument: number -> samples, of which up to {wanted} are taken",
            received=repr(transform),
            where=f"sample {sample.id!r}",
            fix="give it to a Loader, or call it with transform(sample, rng, draw)",
        )
    return transform(sample, rng, draw)


def drawn_from(dataset: Dataset, index: int, rng: np.random.Generator) -> Draw:
    """Draws further samples of a dataset for the one at `index`, each as likely, also that one.

    Chance comes from the sample's own generator, so that which ones it gets depends on (seed,
    epoch, index) alone. Of a mixture, they come from the same dataset as the sample: others would
    lack some of its targets.

    Args:
        dataset: what is drawn from.
        index: of the sample for which they are drawn.
        rng: of that sample, at which its transforms draw as well.
    """
    parts: Any = getattr(dataset, "parts", None)
    choice = range(len(dataset))
    for part in (parts or {}).values():
        choice = part if index in part else choice

    def draw(count: int) -> list[Sample]:
        found = []
        for place in rng.integers(len(choice), size=count).tolist():
            try:
                found.append(dataset[choice[place]])
            except Exception as error:
                raise with_id(error, "Reading", dataset.id_of(choice[place])) from error
        return found

    return draw


def with_id(error: Exception, stage: str, sample_id: str) -> DataError:
    """A DataError that says what `error` says, and for which sample."""
    here = f"sample {sample_id!r}"
    if isinstance(error, DensefitError):
        return DataError(
            error.what,
            expected=error.expected,
            received=error.received,
            where=here if error.where is None else f"{error.where} ({here})",
            fix=error.fix,
        )
    return DataError(f"{stage} failed: {type(error).__name__}: {error}", where=here)
