"""Errors of workers: raised at once, and never skipped as a broken sample is."""

from __future__ import annotations

import errno

import cv2

from densefit.errors import DataError, DensefitError

#: Errors of resources that the whole process shares: memory, open files.
_EXHAUSTED = (errno.ENOMEM, errno.EMFILE, errno.ENFILE)
_NO_MEMORY = -4  # of OpenCV's errors


class LostWorkerError(DataError):
    """A worker ended in the middle of a sample; the cause may end the next one too."""


class OutOfMemoryError(LostWorkerError):
    """Memory, or another resource that all samples need, has run out."""


class TooSlowError(LostWorkerError):
    """A sample exceeded the time limit, whether its worker finished or not."""


def too_slow(sample_id: str, timeout: float, seconds: float | None = None) -> TooSlowError:
    """Make the error of a sample that takes longer than `timeout` seconds.

    Args:
        sample_id: of the sample.
        timeout: the limit.
        seconds: elapsed; None if it is not finished.
    """
    return TooSlowError(
        "A sample takes too long",
        expected=f"at most {timeout:g} s",
        received=None if seconds is None else f"{seconds:.3g} s",
        where=f"sample {sample_id!r}",
        fix="see why it hangs (disk, network, transform), or raise `timeout`",
    )


def out_of_memory(error: BaseException) -> bool:
    """Whether an error, or one of its causes, reports exhausted memory or open files."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        is_exhausted = isinstance(cause, OSError) and cause.errno in _EXHAUSTED
        is_unallocated = isinstance(cause, cv2.error) and getattr(cause, "code", 0) == _NO_MEMORY
        if is_exhausted or is_unallocated or isinstance(cause, MemoryError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def error_text(error: BaseException) -> str:
    """The message of an error; a note if its `__str__` raises."""
    try:
        return str(error)
    except Exception as second:
        return f"(its text cannot be made: {type(second).__name__})"


def with_sample_id(error: Exception, stage: str, key: str) -> DataError:
    """Wrap an error in a DataError that names the sample.

    An error that every sample would meet, such as exhausted memory, becomes a LostWorkerError.
    """
    here = f"sample {key!r}"
    kind = DataError
    if out_of_memory(error):
        kind = OutOfMemoryError
    elif isinstance(error, LostWorkerError):
        kind = type(error)
    if isinstance(error, DensefitError):
        return kind(
            error.what,
            expected=error.expected,
            received=error.received,
            where=here if error.where is None else f"{error.where} ({here})",
            fix=error.fix,
        )
    return kind(f"{stage} failed: {type(error).__name__}: {error_text(error)}", where=here)
