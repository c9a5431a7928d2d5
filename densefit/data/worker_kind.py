"""What makes samples ahead: threads or processes."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from densefit.data.ahead import Ahead, AnyAhead, Job
from densefit.data.picklable import pickled
from densefit.data.process_ahead import ProcessAhead
from densefit.data.sample import Dataset

WORKER_KINDS = ("threads", "processes")


def ahead_of(
    kind: str,
    work: Job[Any],
    workers: int,
    window: int,
    timeout: float,
    sample_bytes: Callable[[], int],
) -> AnyAhead[Any]:
    """A window of samples under way.

    Args:
        kind: one of WORKER_KINDS.
        work: an example of what there will be to do.
        workers: their number; 0 works in the caller's thread, whatever the kind.
        window: samples under way at most.
        timeout: seconds that one sample may take.
        sample_bytes: tells the bytes of one sample's arrays.

    Raises:
        ConfigError: the work cannot be sent to processes.
    """
    if kind == "threads" or workers == 0:
        return Ahead(workers, window, timeout)
    pickled(work)  # told here, where the settings are, and not in the middle of the first epoch
    return ProcessAhead(workers, window, timeout, sample_bytes())


def target_bytes(dataset: Dataset) -> int:
    """Bytes of the first sample's targets; 0 if it is broken."""
    try:
        targets = dataset[0].targets.values()
    except Exception:  # told, or skipped, in the epoch
        return 0
    return sum(np.asarray(one).nbytes + 64 for one in targets)
