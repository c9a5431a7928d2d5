"""Make a sample prefetcher: of threads or of processes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from densefit.data.checks.sample import read_sample
from densefit.data.sample import Dataset
from densefit.data.workers.picklable import to_pickle
from densefit.data.workers.process_prefetcher import ProcessPrefetcher
from densefit.data.workers.thread_prefetcher import Job, SamplePrefetcher, ThreadPrefetcher
from densefit.old_paths import former_names
from densefit.once import warn_once
from densefit.process.cpus import available_cpus
from densefit.process.system_calls import can_share_memory

_log = logging.getLogger("densefit")
WORKER_KINDS = ("threads", "processes")
_PROBED_SAMPLES = 8
_MAX_WORKERS = 8


def make_prefetcher(
    kind: str,
    work: Job[Any],
    workers: int,
    window: int,
    timeout: float,
    sample_bytes: Callable[[], int],
) -> SamplePrefetcher[Any]:
    """Make a prefetcher.

    Args:
        kind: one of WORKER_KINDS.
        work: an example of the tasks to come.
        workers: their number; 0 loads in the caller's thread, for either kind.
        window: samples in flight at most.
        timeout: seconds that one sample may take in its worker; see `ThreadPrefetcher`.
        sample_bytes: returns the bytes of one sample's arrays.

    Raises:
        ConfigError: the work cannot be sent to processes.
    """
    if kind == "processes" and not can_share_memory():
        warn_once(
            _log,
            "Worker processes need memory shared by file descriptors, which this system has not: "
            "threads load the samples",
        )
        kind = "threads"
    if kind == "threads" or workers == 0:
        return ThreadPrefetcher(workers, window, timeout)
    to_pickle(work)  # fails here, not in the middle of the first epoch
    return ProcessPrefetcher(workers, window, timeout, sample_bytes())


def default_workers() -> int:
    """Number of CPUs that this process may use (affinity, the container's quota), 1 to 8.

    More than 8 threads mostly wait for Python's lock. MXNet computes with as many threads.
    """
    return min(_MAX_WORKERS, available_cpus())


def target_bytes(dataset: Dataset) -> int:
    """Bytes of the targets of the first readable sample among 8; 0 if none is."""
    for index in range(min(len(dataset), _PROBED_SAMPLES)):
        try:
            targets = read_sample(dataset, index).targets.values()
        except Exception:  # raised, or skipped, in the epoch
            continue
        return sum(np.asarray(target).nbytes + 64 for target in targets)
    return 0


__getattr__ = former_names(__name__, {"ahead_of": "make_prefetcher"})
