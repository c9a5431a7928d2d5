"""Worker processes that are forked by a server which has imported what they need.

A spawned process takes about a second of a CPU to import NumPy, OpenCV and densefit, a forked one
milliseconds. The server is a process of its own that imports no engine and starts no thread, and
so may be forked where the parent may not be. It starts with the first worker, and ends with the
parent process.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import context, forkserver, popen_forkserver, reduction, spawn, util
from typing import Any

_SYMBOL = "DENSEFIT_SYMBOL"
_MODULES = [
    *("numpy", "cv2", __name__, "densefit.data.workers.worker_main"),
    *("densefit.data.loader.sample_task", "densefit.data.transforms"),
]
#: What heads import to build graphs. It imports MXNet if the user says so, and then is left out.
_OF_HEADS = ["densefit.model.layers", "densefit.metrics"]
_STREAMS = (1, 2)


class ForkedProcess(context.ForkServerProcess):
    """A process with the present environment, working directory, streams and CPUs of its parent."""

    @staticmethod
    def _Popen(process: Any) -> Any:  # noqa: N802
        return _Popen(process)


class _Popen(popen_forkserver.Popen):
    """`multiprocessing`'s, with a server of our own: others fork theirs with other modules."""

    def _launch(self, process: Any) -> None:
        content = io.BytesIO()
        context.set_spawning_popen(self)
        try:
            reduction.dump(_Preparation(spawn.get_preparation_data(process.name)), content)
            reduction.dump(process, content)
        finally:
            context.set_spawning_popen(None)
        self.sentinel, writer = start_server().connect_to_new_process(
            self._fds  # type: ignore[attr-defined]
        )
        kept_writer = os.dup(writer)  # its end tells the child that the parent has ended
        self.finalizer = util.Finalize(self, _close, (kept_writer, self.sentinel))
        with open(writer, "wb", closefd=True) as file:
            file.write(content.getbuffer())
        self.pid = forkserver.read_signed(self.sentinel)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


class _Preparation:
    """What `spawn.prepare` needs; unpickling it prepares the rest of the process."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    def __reduce__(self) -> Any:
        streams = {stream: reduction.DupFd(stream) for stream in _STREAMS if _is_open(stream)}
        return _prepare, (dict(os.environ), os.sched_getaffinity(0), streams, self.data)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _prepare(
    environment: dict[str, str], cpus: set[int], streams: dict[int, Any], data: dict[str, Any]
) -> dict[str, Any]:
    """Give this process what the server's start, long ago, did not know."""
    for stream, descriptor in streams.items():
        os.dup2(descriptor.detach(), stream)
    os.environ.clear()
    os.environ.update(environment)
    with suppress(OSError):  # the system may forbid it
        os.sched_setaffinity(0, cpus)
    # All processes have the server's state. Python seeds its own generator after a fork.
    sys.modules["numpy"].random.seed()
    return data


_servers: dict[int, forkserver.ForkServer] = {}  # of each process, by its id


def start_server() -> forkserver.ForkServer:
    """Start the server of this process, unless it runs; returns it.

    Raises:
        OSError: there is no folder for its socket, or the path of that folder is too long.
    """
    server = _servers.get(os.getpid())
    if server is None:
        server = forkserver.ForkServer()
        has_own_graphs = os.environ.get(_SYMBOL, "densefit") == "densefit"
        server.set_forkserver_preload([*_MODULES, *(_OF_HEADS if has_own_graphs else ())])
        _servers[os.getpid()] = server
    with _environment():
        server.ensure_running()
    return server


@contextmanager
def _environment() -> Iterator[None]:
    """Set the environment in which the server imports the modules of this process."""
    folders = [folder or os.getcwd() for folder in sys.path]
    settings = {
        "PYTHONPATH": os.pathsep.join(folders),
        "PYTHONSAFEPATH": "1",  # or the working directory would come first
        _SYMBOL: os.environ.get(_SYMBOL, "densefit"),
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
