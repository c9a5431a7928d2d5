"""What a check of data reports: one finding a problem, with its count and first examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from densefit.errors import DataError, DensefitError

ERROR, WARNING, NOTE = "error", "warning", "note"
EXAMPLES = 10  # of a finding, in reports


@dataclass(frozen=True)
class Example:
    """One sample that a finding is about.

    Attributes:
        id: of the sample, or of several.
        text: what is wrong with it.
        where: file and line, if known.
    """

    id: str
    text: str = ""
    where: str = ""

    @classmethod
    def of_error(cls, sample: str, error: DensefitError) -> Example:
        """An example out of an error that reading the sample raises."""
        pairs = (("expected", error.expected), ("received", error.received))
        parts = [f"{name} {value}" for name, value in pairs if value is not None]
        text = f"{error.what} ({'; '.join(parts)})" if parts else error.what
        return cls(sample, text, "" if error.where is None else f"{error.where}")


@dataclass(frozen=True)
class Finding:
    """A problem of a split, or of several together.

    Attributes:
        kind: stable name for programs, e.g. "missing_file".
        severity: ERROR (a sample cannot be used), WARNING, or NOTE.
        text: what it is, in a sentence with counts.
        count: number of samples, objects or classes.
        split: name of the split; "" for several.
        examples: the first ones.
    """

    kind: str
    severity: str
    text: str
    count: int
    split: str = ""
    examples: Sequence[Example] = field(default_factory=tuple)


def as_data_error(error: Exception, what: str) -> DensefitError:
    """The error itself, or, of a user's own dataset that raises others, a DataError.

    Args:
        error: as it was raised.
        what: failed.
    """
    if isinstance(error, DensefitError):
        return error
    return DataError(f"{what} fails: {type(error).__name__}: {error}")
