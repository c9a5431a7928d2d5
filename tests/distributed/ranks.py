"""Run a program as several ranks on 127.0.0.1, without a launcher."""

import io
import os
import socket
import sys
from contextlib import redirect_stderr

import pytest

from densefit.distributed import launcher
from densefit.tools import launch as launch_tool
from tests import forked

#: Short times, so that a test of a failure takes seconds.
QUICK = {"DENSEFIT_SILENT_SECONDS": "5", "DENSEFIT_JOIN_SECONDS": "60"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environments(size, **variables):
    """Environment of each rank."""
    common = {
        "DENSEFIT_CONTROL": f"127.0.0.1:{free_port()}",
        "DENSEFIT_TOKEN": "secret",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
        "WORLD_SIZE": str(size),
        "OMP_NUM_THREADS": "1",
        **QUICK,
        **variables,
    }
    return [
        {**os.environ, **common, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(size)
    ]


def start(code, size, arguments=(), ranks=None, **variables):
    """Start all or some ranks of a program; they are Popen objects."""
    return [
        forked.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            env=environment,
            stdout=forked.PIPE,
            stderr=forked.PIPE,
            text=True,
        )
        for environment in environments(size, **variables)
        if ranks is None or int(environment["RANK"]) in ranks
    ]


def finish(processes, seconds=120):
    """Wait for the ranks; returns (status, stdout, stderr) of each."""
    results = []
    try:
        for process in processes:
            out, err = process.communicate(timeout=seconds)
            results.append((process.returncode, out, err))
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.communicate()
    return results


def launch(arguments):
    """Run the launcher here, with ranks that are forked; returns its status and messages."""
    with pytest.MonkeyPatch.context() as patch, redirect_stderr(io.StringIO()) as messages:
        patch.setattr(launcher, "subprocess", forked)
        status = launch_tool.main(arguments)
    return status, messages.getvalue()


def run(code, size, arguments=(), **variables):
    """Run a program as ranks that must all succeed; returns their outputs."""
    results = finish(start(code, size, arguments, **variables))
    assert [status for status, _, _ in results] == [0] * size, "\n".join(e for _, _, e in results)
    return [out for _, out, _ in results]
