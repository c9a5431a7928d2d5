"""Errors that cost a worker: told at once, and never just skipped."""

from __future__ import annotations

from densefit.errors import DataError


class LostWorkerError(DataError):
    """A worker ended in the middle of its work. Whatever ended it may end the next one too."""


class TooSlowError(LostWorkerError):
    """A sample that ran out of time. Its worker is lost: nothing can be known of what it does."""


def too_slow(sample_id: str, timeout: float) -> TooSlowError:
    """The error of a sample that takes longer than `timeout` seconds."""
    return TooSlowError(
        "A sample takes too long",
        expected=f"at most {timeout:g} s",
        where=f"sample {sample_id!r}",
        fix="see why it hangs (disk, network, transform), or raise `timeout`",
    )
