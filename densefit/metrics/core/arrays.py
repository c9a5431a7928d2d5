"""Read the arguments of `Metric.update` as checked numpy arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from densefit.errors import DataError


def host(values: Any) -> Any:
    """Copy an NDArray or a tensor to host memory at once; return anything else unchanged."""
    if hasattr(values, "asnumpy"):
        return values.asnumpy()
    return values.detach().cpu().numpy() if hasattr(values, "detach") else values


def check_equally_many(
    predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
) -> None:
    """Raise DataError unless each id has a prediction and a target."""
    if not len(predictions) == len(targets) == len(ids):
        raise DataError(
            "Predictions, targets and ids are not equally many",
            expected=f"{len(ids)} of each",
            received=f"{len(predictions)} predictions, {len(targets)} targets",
        )


def each_sample(
    predictions: Any, targets: Any, ids: Sequence[str]
) -> Iterator[tuple[Any, Any, str]]:
    """Iterate over (prediction, target, id) in host memory.

    Raises:
        DataError: predictions, targets and ids are not equally many.
    """
    predictions, targets = host(predictions), host(targets)
    check_equally_many(predictions, targets, ids)
    for prediction, target, key in zip(predictions, targets, ids):
        yield host(prediction), host(target), key


def rows(values: Any, what: str, ids: Sequence[str]) -> np.ndarray:
    """Make one array with n rows of an array (numpy or MXNet) or of a list of n equal shapes.

    Args:
        values: an argument of `update`.
        what: "predictions" or "targets", for errors.
        ids: the n sample ids.

    Raises:
        DataError: the shapes differ, the values are not numbers, or there are not n rows.
    """
    values = host(values)  # np.asarray would read an NDArray one number at a time
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise _not_an_array(values, what) from error
    if array.dtype.kind not in "biuf":
        if array.dtype.kind == "O":
            raise _not_an_array(values, what)
        raise DataError(f"The {what} are not numbers", received=f"dtype {array.dtype}")
    if array.shape[:1] != (len(ids),):
        raise DataError(
            f"The {what} do not have one row for each sample",
            expected=f"{len(ids)} rows, one for each id",
            received=f"shape {array.shape}",
        )
    return array


def _not_an_array(values: Any, what: str) -> DataError:
    shapes = sorted({str(getattr(value, "shape", type(value).__name__)) for value in values})
    return DataError(
        f"The {what} do not make one array",
        expected="numbers of one shape for all samples",
        received=", ".join(shapes[:5]),
    )


def integers(array: np.ndarray, what: str, ids: Sequence[str]) -> np.ndarray:
    """Convert to an integer dtype; floats must be whole numbers (MXNet labels are float32).

    >>> integers(np.float32([2, 0]), "targets", ["a", "b"])
    array([2, 0])

    Raises:
        DataError: a value is not a whole number.
    """
    if array.dtype.kind in "iu":
        return array
    if array.dtype.kind == "b":
        return array.astype(np.int64)
    with np.errstate(invalid="ignore"):  # nan and inf are reported below
        whole = array.astype(np.int64)
    wrong = whole != array
    if wrong.any():
        row = first_row(wrong)
        raise DataError(
            f"The {what} are not class indices",
            expected="integers, or floats with whole values",
            received=f"{array[wrong].flat[0]!r}, shape {array.shape}, dtype {array.dtype}",
            where=f"sample {ids[row]!r}",
        )
    return whole


def labels_of(targets: Any, shape: tuple[int, ...], ids: Sequence[str]) -> np.ndarray:
    """Read targets as integers of exactly `shape`; an axis 1 of length one is dropped.

    numpy would otherwise broadcast (n,) against (n, 1) into (n, n).

    Raises:
        DataError: the shape differs, or a value is not a whole number.
    """
    array = rows(targets, "targets", ids)
    if array.ndim == len(shape) + 1 and array.shape[1] == 1:
        array = array[:, 0]
    if array.shape != shape:
        raise DataError(
            "The targets do not fit the predictions",
            expected=f"targets of shape {shape}",
            received=f"shape {array.shape}",
        )
    return integers(array, "targets", ids)


def counted(
    labels: np.ndarray, classes: int | None, ignore_label: int | None, ids: Sequence[str]
) -> np.ndarray | None:
    """Mask the labels that count: a bool array of their shape, or None if all do.

    Args:
        labels: integer class indices; axis 0 is the samples.
        classes: number of classes; None if unknown.
        ignore_label: labels with this value count nowhere; None if there is none.
        ids: the sample ids.

    Raises:
        DataError: a label is neither a class index nor `ignore_label`.
    """
    if not labels.size:
        return None
    mask = None if ignore_label is None else labels != ignore_label
    low, high = labels.min(), labels.max()
    if low >= 0 and (classes is None or high < classes):
        return mask
    wrong = labels < 0
    if classes is not None:
        wrong |= labels >= classes
    if mask is not None:
        wrong &= mask
    if wrong.any():
        top = "" if classes is None else f" to {classes - 1}"
        ignored = "" if ignore_label is None else f", or {ignore_label} (ignored)"
        value = int(labels[wrong].flat[0])
        raise DataError(
            "A label is not a class index",
            expected=f"0{top}{ignored}",
            received=value,
            where=f"sample {ids[first_row(wrong)]!r}",
            fix=index_fix(
                labels if mask is None else labels[mask],
                classes,
                f"if {value} means unknown: ignore_label={value} of the metric, as in Route("
                f"metrics=[df.metrics.Accuracy(ignore_label={value})]), and in a Symbol's loss "
                f"SoftmaxOutput(..., use_ignore=True, ignore_label={value}); else correct the "
                "annotation or the number of classes",
            ),
        )
    return mask


def index_fix(labels: np.ndarray, classes: int | None, otherwise: str) -> str:
    """Suggest a fix for labels beyond the classes: they may count from 1.

    >>> index_fix(np.array([1, 3, 2]), 3, "correct them")
    'do the labels count from 1? subtract 1'
    """
    from_one = classes is not None and labels.min() >= 1 and labels.max() == classes
    return "do the labels count from 1? subtract 1" if from_one else otherwise


def first_row(wrong: np.ndarray) -> int:
    """Index of the first row of the bool array `wrong` with a true element."""
    return int(wrong.reshape(len(wrong), -1).any(axis=1).argmax())
