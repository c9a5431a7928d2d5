"""Compute a batch of any number of rows with a graph that may be made for a fixed number."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from densefit.errors import DataError

Arrays = dict[str, np.ndarray]


def computed_rows(
    compute: Callable[[Arrays], Arrays],
    inputs: Mapping[str, np.ndarray],
    samples: int,
    batch: int | None,
) -> Arrays:
    """Outputs for all rows of the inputs.

    Args:
        compute: inputs -> outputs.
        inputs: arrays with one or more rows per sample.
        samples: number of samples.
        batch: number of samples that the graph is made for; None for any. The last part is filled
            up with copies of the last sample, whose outputs are cut off.

    Raises:
        DataError: an output is one number for a batch, which the graph's fixed batch does not fit.
    """
    if batch is None or batch == samples:
        return compute(dict(inputs))
    parts: list[Arrays] = []
    for start in range(0, samples, batch):
        real = min(batch, samples - start)
        rows = np.minimum(np.arange(start, start + batch), samples - 1)
        outputs = compute(
            {
                name: _by_sample(array, samples)[rows].reshape(-1, *array.shape[1:])
                for name, array in inputs.items()
            }
        )
        parts.append({name: _cut(name, array, batch, real) for name, array in outputs.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _by_sample(array: np.ndarray, samples: int) -> np.ndarray:
    """(samples * R, ...) as (samples, R, ...)."""
    return array.reshape(samples, array.shape[0] // samples, *array.shape[1:])


def _cut(name: str, array: np.ndarray, batch: int, real: int) -> np.ndarray:
    """The rows of the first `real` samples."""
    rows, rest = divmod(array.shape[0] if array.ndim else 0, batch)
    if not rows or rest:
        raise DataError(
            f"The output {name!r} is computed from all rows of a batch",
            expected=f"batches of {batch} samples, which the model was exported for",
            received=f"the shape {array.shape} for {batch} samples",
            fix=f"a batch size of {batch} that divides the number of samples, or export the "
            "network without --batch",
        )
    return array[: rows * real]
