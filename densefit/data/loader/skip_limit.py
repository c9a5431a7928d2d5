"""Limit the number of broken samples that are skipped."""

from __future__ import annotations

import logging

from densefit.errors import DataError

_log = logging.getLogger(__name__)

_FEW = 10  # allowed in any epoch, up to half of its samples
IN_A_ROW = 100


class SkipLimit:
    """Record skipped samples, and raise DataError if there are too many.

    Args:
        share: largest share of an epoch's samples that may be skipped. 10 samples are always
            allowed, up to half of the epoch.
        dataset: name of the dataset, for errors.

    Attributes:
        reasons: id -> error message, over all epochs.
    """

    def __init__(self, share: float, dataset: str) -> None:
        self._share, self._dataset = share, dataset
        self.reasons: dict[str, str] = {}
        self.begin(0)

    @property
    def count(self) -> int:
        """Number of samples that were skipped in this epoch."""
        return self._skipped

    def begin(self, samples: int) -> None:
        """Reset the counts for an epoch of `samples` samples."""
        self._samples = samples
        self._skipped = self._in_a_row = 0
        self._first: DataError | None = None

    def good(self) -> None:
        """Record an unbroken sample."""
        self._in_a_row = 0

    def add(self, key: str, error: DataError) -> None:
        """Skip a sample.

        Raises:
            DataError: too many samples are skipped; names the count and the first error.
        """
        if key not in self.reasons:
            self.reasons[key] = error.what
            _log.warning("sample %r is skipped: %s", key, error)
        self._first = self._first or error
        self._skipped += 1
        self._in_a_row += 1
        few = min(_FEW, self._samples // 2)
        allowed = max(few, self._share * self._samples)
        if self._skipped > allowed or self._in_a_row >= IN_A_ROW:
            raise DataError(
                "So many samples are skipped that something else must be wrong",
                expected=f"at most {self._share:.0%} of an epoch's {self._samples} samples (or "
                f"{few}), and less than {IN_A_ROW} in a row",
                received=f"{self._skipped} skipped, {self._in_a_row} in a row",
                where=f"dataset {self._dataset}; the first: {error_line(self._first)}",
                fix="mend what the first one tells; where so many are broken, take them out of the "
                "list, or say what share may be: skip_limit=0.9",
            ) from self._first

    def check_any_good(self) -> None:
        """Raise DataError if all samples of an epoch were skipped."""
        if self._first is not None:
            raise DataError(
                "Every sample was skipped",
                received=f"{self._skipped} samples, the first: {self._first.what}",
                where=self._first.where,
                fix='on_error="raise" shows the first error whole',
            ) from self._first


def error_line(error: DataError) -> str:
    """Message and location of an error in one line."""
    return " ".join(f"{error.what} ({error.where})".split())
