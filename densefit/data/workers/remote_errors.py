"""Errors of samples that are loaded in another process."""

from __future__ import annotations

from typing import Any

from densefit.data.workers.errors import LostWorkerError, too_slow
from densefit.data.workers.worker_main import WorkerResult
from densefit.errors import DataError


class RemoteError(Exception):
    """The cause of an error in another process: its traceback as a text."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def check_result(result: WorkerResult, sample_id: str, timeout: float) -> None:
    """Raise the error of a result, if it has one.

    Args:
        result: of a sample.
        sample_id: of the sample.
        timeout: seconds that it may have taken.

    Raises:
        DataError: the sample could not be loaded.
        LostWorkerError: it took too long, or no other one could be loaded.
    """
    remote = None if result.error_parts is None else RemoteError(result.traceback_text)
    if result.seconds > timeout and not result.is_fatal:
        raise too_slow(sample_id, timeout, result.seconds) from remote
    if result.error_parts is not None:
        error_parts: dict[str, Any] = dict(result.error_parts)
        kind = LostWorkerError if result.is_fatal else DataError
        raise kind(error_parts.pop("what"), **error_parts) from remote


def worker_ended(reason: str, sample_id: str | None) -> LostWorkerError:
    """Make the error of a process that ended.

    Args:
        reason: as the system has it.
        sample_id: of the sample that it was loading; None if it had begun none.
    """
    return LostWorkerError(
        "A worker process ended"
        + ("" if sample_id is not None else " before it began with a sample"),
        received=reason,
        where=None if sample_id is None else f"sample {sample_id!r}",
        fix="see what it says above, and whether memory is left; a crash of a library that "
        "decodes or transforms shows with workers=0 too. A script needs its `if __name__ "
        '== "__main__":` around what trains',
    )
