"""How worker processes start: forked by a server where that is safe, or spawned."""

from __future__ import annotations

import multiprocessing
import sys
from typing import Any


def process_class() -> Any:
    """Return the class of worker processes on this system; its instances are started as usual.

    Forks of system libraries are not safe on macOS. Before Python 3.11 the server could import
    another copy of densefit, from the working directory, as it could with `python -E`; before
    3.11.1 other users of the machine could talk to it. The server is multiprocessing's, with parts
    that are not public, so newer versions of Python spawn until they were tried.
    """
    spawned = multiprocessing.get_context("spawn").Process
    is_safe = (3, 11, 1) <= sys.version_info < (3, 13) and not sys.flags.ignore_environment
    if sys.platform != "linux" or not is_safe:
        return spawned
    from densefit.data.workers.forked_process import ForkedProcess, start_server

    try:
        start_server()
    except OSError:  # its socket needs a folder for temporary files, with a short name
        return spawned
    return ForkedProcess
