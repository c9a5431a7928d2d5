"""How many broken samples may be skipped before something else must be wrong."""

from __future__ import annotations

import logging

from densefit.errors import DataError

_log = logging.getLogger(__name__)

_FEW = 10  # of any epoch, if half of it is not less
IN_A_ROW = 100


class SkipLimit:
    """Which samples are skipped, and whether they still are exceptions.

    Args:
        share: of an epoch's samples that may be skipped. 10 of them may in any case, if that is
            not more than half.
        dataset: whose samples they are, to be named in errors.

    Attributes:
        reasons: id -> what was wrong, of all epochs.
    """

    def __init__(self, share: float, dataset: str) -> None:
        self._share, self._dataset = share, dataset
        self.reasons: dict[str, str] = {}
        self.begin(0)

    def begin(self, samples: int) -> None:
        """Start to count for an epoch of so many samples."""
        self._samples = samples
        self._skipped = self._in_a_row = 0
        self._first: DataError | None = None

    def good(self) -> None:
        """Note a sample that was made."""
        self._in_a_row = 0

    def add(self, key: str, error: DataError) -> None:
        """Skip a sample.

        Raises:
            DataError: too many are skipped; says how many, and the first of their errors.
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
        """Raise DataError where an epoch ended and all of its samples were skipped."""
        if self._first is not None:
            raise DataError(
                "Every sample was skipped",
                received=f"{self._skipped} samples, the first: {self._first.what}",
                where=self._first.where,
                fix='on_error="raise" shows the first error whole',
            ) from self._first


def error_line(error: DataError) -> str:
    """What an error says and where, in one line."""
    return " ".join(f"{error.what} ({error.where})".split())
