"""Errors that cost a worker: told at once, and never just skipped."""

from __future__ import annotations

import errno

import cv2

from densefit.errors import DataError, DensefitError

#: What runs out for the whole process: memory, open files.
_SHORT = (errno.ENOMEM, errno.EMFILE, errno.ENFILE)
_NO_MEMORY = -4  # of OpenCV's errors


class LostWorkerError(DataError):
    """A worker ended in the middle of its work. Whatever ended it may end the next one too."""


class NoMemoryError(LostWorkerError):
    """Memory, or another thing that all samples need, has run out: the next sample fails too."""


class TooSlowError(LostWorkerError):
    """A sample whose worker took too long for it, whether it came to an end or not."""


def too_slow(sample_id: str, timeout: float, seconds: float | None = None) -> TooSlowError:
    """The error of a sample that takes longer than `timeout` seconds.

    Args:
        sample_id: of the sample.
        timeout: the limit.
        seconds: that it took; None where it is not done.
    """
    return TooSlowError(
        "A sample takes too long",
        expected=f"at most {timeout:g} s",
        received=None if seconds is None else f"{seconds:.3g} s",
        where=f"sample {sample_id!r}",
        fix="see why it hangs (disk, network, transform), or raise `timeout`",
    )


def out_of_memory(error: BaseException) -> bool:
    """Whether an error, or what caused it, says that memory or open files have run out."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        short = isinstance(cause, OSError) and cause.errno in _SHORT
        unallocated = isinstance(cause, cv2.error) and getattr(cause, "code", 0) == _NO_MEMORY
        if short or unallocated or isinstance(cause, MemoryError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def text_of(error: BaseException) -> str:
    """What an error says; of one that cannot say it, that it cannot."""
    try:
        return str(error)
    except Exception as second:
        return f"(its text cannot be made: {type(second).__name__})"


def with_id(error: Exception, stage: str, key: str) -> DataError:
    """A DataError that says what `error` says, and for which sample.

    One that every sample would meet, as where no memory is left, is a LostWorkerError.
    """
    here = f"sample {key!r}"
    kind = DataError
    if out_of_memory(error):
        kind = NoMemoryError
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
    return kind(f"{stage} failed: {type(error).__name__}: {text_of(error)}", where=here)
