"""Python programs in processes of their own that start in milliseconds.

`Popen` and `run` are subprocess's, for commands `[sys.executable, ...]`: a server that has imported
the engines and densefit forks for each program. It is no substitute where a test asks what an
import does, or what the environment says to an engine at its import.
"""

import errno
import os
import socket
import subprocess
import sys
import time
import uuid
from functools import cache
from subprocess import DEVNULL, PIPE, STDOUT, CalledProcessError, CompletedProcess, TimeoutExpired

from tests import fork_server

__all__ = ["DEVNULL", "PIPE", "STDOUT", "CalledProcessError", "Popen", "TimeoutExpired", "run"]


#: The tests' first process: it starts the workers of pytest-xdist, which share one server.
_OWNER = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
_ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}  # before any test changes it


@cache
def _server():
    """Connect to the server, which the first that asks starts; it ends when the owner does."""
    address = f"\0densefit-tests-{_RUN}"  # of no file: none is left
    while True:
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            channel.connect(address)
            return channel
        except ConnectionRefusedError:
            channel.close()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            try:
                listener.bind(address)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                time.sleep(0.01)  # another process is about to listen
                continue
            listener.listen()
            subprocess.Popen(
                [sys.executable, "-m", fork_server.__name__, str(listener.fileno()), str(_OWNER)],
                pass_fds=[listener.fileno()],
                stdin=DEVNULL,
                cwd=fork_server.ROOT,
                env=_ENVIRONMENT,
            )


class Popen(subprocess.Popen):
    """A program that the server has forked; its parent is the server, which tells its status.

    Args:
        forget: packages that the program has not imported yet, such as ["densefit"].
    """

    def __init__(self, command, *, forget=(), **settings):
        self._forget = list(forget)
        super().__init__(command, **settings)

    def _execute_child(self, args, executable, preexec_fn, close_fds, pass_fds, cwd, env, *rest):
        p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite = rest[3:9]
        start_new_session = rest[14]
        if args[0] != sys.executable or executable or preexec_fn or pass_fds:
            raise ValueError(f"The server forks Python programs alone, not {args}")
        self._status, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program = {
            "arguments": [os.fspath(part) for part in args[1:]],
            "cwd": os.fspath(cwd or os.getcwd()),
            "environment": dict(os.environ if env is None else env),
            "start_new_session": start_new_session,
            "forget": self._forget,
        }
        streams = [
            standard if given == -1 else given
            for standard, given in enumerate((p2cread, c2pwrite, errwrite))
        ]
        with its:
            fork_server.send(_server(), program, [its.fileno(), *streams])
        self.pid = fork_server.receive(self._status)[0]
        self._child_created = True
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)

    def _try_wait(self, wait_flags):
        flags = socket.MSG_DONTWAIT if wait_flags & os.WNOHANG else 0
        try:
            status = fork_server.receive(self._status, flags)[0]
        except BlockingIOError:
            return 0, 0
        self._status.close()
        return self.pid, status

    def _internal_poll(self, *_, **__):
        if self.returncode is None:
            pid, status = self._try_wait(os.WNOHANG)
            if pid == self.pid:
                self._handle_exitstatus(status)
        return self.returncode


def run(command, *, capture_output=False, timeout=None, check=False, **settings):
    """As subprocess.run, without `input`."""
    if capture_output:
        settings.update(stdout=PIPE, stderr=PIPE)
    with Popen(command, **settings) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    if check and process.returncode:
        print(err or "", file=sys.stderr)  # what pytest shows beside a failure
        raise CalledProcessError(process.returncode, command, out, err)
    return CompletedProcess(command, process.returncode, out, err)
