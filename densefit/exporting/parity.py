"""Compare an exported model's outputs with the network's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from densefit.errors import ExportError

#: Precision -> (relative tolerance, tolerance as a share of the largest value, share of values
#: that may differ by more: equal scores, and boxes at the edge of a threshold).
_TOLERANCES = {
    "float32": (1e-3, 1e-4, 0.005),
    "float16": (3e-2, 1e-2, 0.05),
    "int8": (0.5, 0.2, 0.5),
}
_SMALL = 1e-3  # scale below which values are compared as if they were this large
_TIED = 1e-4  # relative difference of scores that are equal to rounding
#: Largest mean difference of a ranking's scores, in order.
_SCORES = {"float32": 1e-3, "float16": 2e-2, "int8": 0.1}
_ROWS_OF_INT8 = 0.9  # share of an int8 ranking's rows that may differ
_FEW_ROWS = 2  # that may differ in any case: two scores that are equal to rounding


def tolerance_text(precision: str) -> str:
    """What counts as equal.

    >>> tolerance_text("float32")
    'equal: off by at most 0.1% of the value + 0.01% of the largest value'
    """
    relative, share = (f"{100 * part:.4g}%" for part in _TOLERANCES[precision][:2])
    return f"equal: off by at most {relative} of the value + {share} of the largest value"


@dataclass(frozen=True)
class Parity:
    """How far an output of the exported model is from the network's.

    Attributes:
        output: short name.
        largest: largest difference of values that agree within the tolerance.
        scale: largest value of the network's output.
        differing: share of values, or of rows, that do not agree.
        tied: share of a ranking's rows of which only the scores were compared.
        is_empty: whether all rows of a ranking are unused, so that nothing was compared.
    """

    output: str
    largest: float
    scale: float
    differing: float
    tied: float = 0.0
    is_empty: bool = False

    def __str__(self) -> str:
        if self.is_empty:
            return f"{self.output}: no detections in the samples, so nothing was compared"
        line = f"{self.output}: largest difference {self.largest:.2g} of {self.scale:.3g}"
        if self.tied:
            line += f", {self.tied:.0%} of the rows by their equal scores alone"
        return line + (f", {self.differing:.2%} unequal" if self.differing else "")


def compare(
    name: str,
    expected: np.ndarray,
    received: np.ndarray,
    precision: str = "float32",
    rows: np.ndarray | None = None,
    may_tie: bool = False,
) -> Parity:
    """Compare an output for some samples.

    Scores of a ranking, (B, N, W), are compared in order; its rows without their order, and not at
    all where several have one score: their order is open, and which of them suppresses another.

    Args:
        name: short name of the output.
        expected: the network's.
        received: the exported model's.
        precision: "float32", "float16" or "int8".
        rows: (B, N) bool, the rows to compare; by default all.
        may_tie: see `is_ranking`.

    Raises:
        ExportError: another shape or type, nan, or values that are off.
    """
    if expected.shape != received.shape or expected.dtype != received.dtype:
        shapes = (f"{array.shape} {array.dtype}" for array in (expected, received))
        raise _refusal(name, *shapes)
    relative, share, limit = _TOLERANCES[precision]
    left, right = expected.astype(np.float64), received.astype(np.float64)
    scale = float(np.abs(left[np.isfinite(left)]).max(initial=0))
    tolerance = relative * np.abs(left) + share * max(scale, _SMALL)
    if expected.dtype.kind in "iu":  # (B, H, W) classes; (B, N, h, w) rounded probabilities
        tolerance = np.full(left.shape, 1.0 if left.ndim == 4 else 0.0)
    gap = np.abs(left - right)
    agrees = (gap <= tolerance) | (np.isnan(left) & np.isnan(right)) | (left == right)
    if rows is not None:
        agrees[~rows], gap[~rows] = True, 0.0
    differing, count = float(np.mean(~agrees)) if agrees.size else 0.0, agrees.size
    largest = float(np.max(gap, where=agrees & np.isfinite(gap), initial=0.0))
    few, tied = 0, 0.0
    if is_ranking(expected, may_tie) and (differing or precision != "float32"):
        network_rows, model_rows, allowed = (
            array.reshape(-1, *left.shape[-2:]) for array in (left, right, tolerance)
        )
        count, few = left.size // left.shape[-1], _FEW_ROWS
        column = score_column(expected)
        unmatched, skipped, largest = _matched(network_rows, model_rows, allowed, column)
        differing, tied = unmatched / count, skipped / count
        limit = _ROWS_OF_INT8 if precision == "int8" else limit
        off = _score_difference(network_rows, model_rows, column)
        if off > _SCORES[precision]:
            raise _refusal(
                name, f"scores off by at most {_SCORES[precision]:g} in the mean", f"{off:.3g}"
            )
    parity = Parity(name, largest, scale, differing, tied, may_tie and _is_unused(expected))
    if differing > limit and differing * count > few:
        most = f"at most {limit:.1%} unequal; {tolerance_text(precision)}"
        raise _refusal(name, most, parity)
    return parity


def is_ranking(array: np.ndarray, may_tie: bool = False) -> bool:
    """Whether an output has rows by falling score: (B, N, W), or (B, K, N, W).

    Args:
        array: the output.
        may_tie: whether all scores may be equal, as those of a network that has learned nothing,
            or of one that is sure of everything. Else what is constant is no ranking: it is
            compared value by value.
    """
    if array.ndim not in (3, 4) or array.dtype.kind != "f" or array.shape[-1] < 3:
        return False
    steps = np.diff(array[..., score_column(array)], axis=-1)
    return bool((steps <= 0).all() and (may_tie or (steps < 0).any()))


def _is_unused(array: np.ndarray) -> bool:
    """Whether all rows (B, N, 6 or more) are -1, as those behind the last detection."""
    is_rows = array.ndim == 3 and array.dtype.kind == "f" and array.shape[2] >= 6
    return is_rows and bool((array == -1).all())


def score_column(array: np.ndarray) -> int:
    """The column of scores: [class, score, ...], or [x, y, score] of keypoints."""
    return 1 if array.ndim == 3 else -1


def _matched(
    left: np.ndarray, right: np.ndarray, tolerance: np.ndarray, column: int
) -> tuple[int, int, float]:
    """Compare rows of `left`, with a score of their own, with the most similar rows of `right`.

    Returns:
        (rows that are no rows of `right`, rows whose score is not their own, largest difference of
        the matched rows).
    """
    count, skipped, largest = 0, 0, 0.0
    for expected, received, allowed in zip(left, right, tolerance):
        scores = expected[:, column]
        for row, limit in zip(expected, allowed):
            alike = np.abs(scores - row[column]) <= _TIED * max(abs(row[column]), 1e-6)
            if alike.sum() > 1 or alike[-1]:  # those behind the last row are not seen
                skipped += 1
                continue
            gaps = np.abs(received - row)
            fits = (gaps <= limit).all(axis=1)
            count += not fits.any()
            if fits.any():
                largest = max(largest, float(gaps[fits].max(axis=1).min()))
    return count, skipped, largest


def _score_difference(left: np.ndarray, right: np.ndarray, column: int) -> float:
    """Mean difference of the scores in falling order; of rows without an object it is 0 in both."""
    first, second = (np.sort(rows[..., column], axis=-1) for rows in (left, right))
    return float(np.abs(first - second).mean()) if first.size else 0.0


def _refusal(name: str, expected: object, received: object) -> ExportError:
    return ExportError(
        f"The exported model computes another {name!r} than the network",
        expected=expected,
        received=received,
        where=f"output {name!r}",
        fix="are the network's parameters trained and finite? half=False, int8=False is exact; "
        "else please report the network",
    )


def compare_all(
    expected: Mapping[str, np.ndarray],
    received: Mapping[str, np.ndarray],
    precision: str,
    may_tie: bool = False,
) -> dict[str, Parity]:
    """Compare all outputs by name; what belongs to the rows of a ranking, in rows that agree.

    Args:
        expected: the network's outputs.
        received: the exported model's.
        precision: "float32", "float16" or "int8".
        may_tie: see `is_ranking`; for outputs of heads.
    """
    results: dict[str, Parity] = {}
    same_rows: dict[str, np.ndarray] = {}  # prefix of a ranking -> (B, N)
    for name, array in expected.items():
        if is_ranking(array, may_tie) and array.ndim == 3:
            gap = np.abs(array - received[name]) <= 1e-3 * np.maximum(np.abs(array), 1)
            is_used = array[..., 0] >= 0  # what belongs to an unused row says nothing
            same_rows[name.rpartition("_")[0]] = gap.all(axis=2) & is_used
    for name, array in expected.items():
        rows = same_rows.get(name.rpartition("_")[0])
        has_rows = rows is not None and array.shape[:2] == rows.shape
        has_rows = has_rows and not is_ranking(array, may_tie)
        results[name] = compare(
            name, array, received[name], precision, rows if has_rows else None, may_tie
        )
    return results
