"""MXNet's kvstore dist_sync between the ranks, with its scheduler and server processes."""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from densefit.backend import mx
from densefit.distributed import World

# The import of mxnet runs a scheduler or server until all workers have ended. It must not outlive
# rank 0, even if that is killed: the pipe that both share then ends.
_SERVE = """
import os, sys, threading
def follow():
    while os.read(0, 1):  # no buffer, whose lock the end of the interpreter would want
        pass
    os._exit(0)
threading.Thread(target=follow, daemon=True).start()
sys.path.insert(0, sys.argv[1])
from densefit.backend import mx
"""

_store: Any = None  # a process can join its kvstore once
_next_key = 0


def rank_store(world: World) -> Any:
    """Join the ranks' kvstore, which rank 0 serves; the same one in each call.

    Args:
        world: the ranks.
    """
    global _store
    if _store is None:
        port = world.broadcast("port of the kvstore", _free_port(world.host))
        variables = {
            "DMLC_PS_ROOT_URI": world.host,
            "DMLC_PS_ROOT_PORT": str(port),
            "DMLC_NUM_WORKER": str(world.size),
            "DMLC_NUM_SERVER": "1",
            "DMLC_NODE_HOST": world.local_host,
        }
        if world.is_first:
            for role in ("scheduler", "server"):
                _start(role, variables)
        os.environ.update(variables, DMLC_ROLE="worker")
        _store = mx.kv.create("dist_sync")
        atexit.register(_end, world)
    return _store


def new_key() -> int:
    """A key that no array of the kvstore has; the ranks ask for keys in the same order."""
    global _next_key
    _next_key += 1
    return _next_key


def _start(role: str, variables: dict[str, str]) -> None:
    root = str(Path(__file__).resolve().parents[3])
    subprocess.Popen(
        [sys.executable, "-c", _SERVE, root],
        env={**os.environ, **variables, "DMLC_ROLE": role, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
    )


def _end(world: World) -> None:
    """End the process after a failure: the kvstore's destructor would wait for all ranks."""
    if world.has_failed:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(world.exit_status)


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        try:
            probe.bind((host, 0))
        except OSError:  # the host of another rank, whose port counts
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
