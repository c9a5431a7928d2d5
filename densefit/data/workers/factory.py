"""What makes samples ahead: threads or processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from densefit.cpus import available_cpus
from densefit.data.checks.sample import read_sample
from densefit.data.sample import Dataset
from densefit.data.workers.picklable import pickled
from densefit.data.workers.process_prefetcher import ProcessAhead
from densefit.data.workers.thread_prefetcher import Ahead, AnyAhead, Job

WORKER_KINDS = ("threads", "processes")
_LOOKED_AT = 8
_MOST_WORKERS = 8


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
        timeout: seconds that one sample may take in its worker; see `Ahead`.
        sample_bytes: tells the bytes of one sample's arrays.

    Raises:
        ConfigError: the work cannot be sent to processes.
    """
    if kind == "threads" or workers == 0:
        return Ahead(workers, window, timeout)
    pickled(work)  # told here, where the settings are, and not in the middle of the first epoch
    return ProcessAhead(workers, window, timeout, sample_bytes())


def default_workers() -> int:
    """As many as this process may use CPUs (affinity, the container's quota), 1 to 8.

    More threads than 8 mostly wait for Python's lock. MXNet computes with as many.
    """
    return min(_MOST_WORKERS, available_cpus())


def target_bytes(dataset: Dataset) -> int:
    """Bytes of the targets of the first of 8 samples that is not broken; 0 if all are."""
    for index in range(min(len(dataset), _LOOKED_AT)):
        try:
            targets = read_sample(dataset, index).targets.values()
        except Exception:  # told, or skipped, in the epoch
            continue
        return sum(np.asarray(one).nbytes + 64 for one in targets)
    return 0
