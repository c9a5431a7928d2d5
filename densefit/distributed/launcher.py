"""Start the ranks of a program on this machine, follow them, and start them again."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType

from densefit.distributed.environment import (
    CONTROL,
    FOLDER,
    LAUNCHER,
    LOST_PEER,
    RESTART,
    TOKEN,
)
from densefit.distributed.member import GRACE
from densefit.distributed.output import Output

#: Seconds after a rank's death in which the others end by themselves; then after SIGTERM.
OWN_END, AFTER_TERM = GRACE + 1.0, 5.0
_POLL, _SETTLING = 0.05, 0.5
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # not on every system


@dataclass(frozen=True)
class Launch:
    """A program and its ranks.

    Attributes:
        command: program and arguments.
        nproc: ranks on this machine.
        nnodes: machines.
        node_rank: number of this machine, from 0.
        master: (host, port) of rank 0's control channel; None for this machine and a free port.
            PyTorch's ranks meet at the next port.
        restarts: how often all ranks are started again after one has died.
        all_output: whether all lines of all ranks are printed, see `Output`.
    """

    command: Sequence[str]
    nproc: int = 1
    nnodes: int = 1
    node_rank: int = 0
    master: tuple[str, int] | None = None
    restarts: int = 0
    all_output: bool = False

    @property
    def first_rank(self) -> int:
        """Number of this machine's first rank."""
        return self.node_rank * self.nproc

    def environment(self, local_rank: int, restart: int, master: tuple[str, int]) -> dict[str, str]:
        """Environment variables of a rank, which torchrun sets too, and of the control channel."""
        cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        threads = max(1, (cpus or 1) // self.nproc)
        return {
            "OMP_NUM_THREADS": str(threads),
            **os.environ,
            "RANK": str(self.first_rank + local_rank),
            "LOCAL_RANK": str(local_rank),
            "WORLD_SIZE": str(self.nnodes * self.nproc),
            "LOCAL_WORLD_SIZE": str(self.nproc),
            "GROUP_RANK": str(self.node_rank),
            "MASTER_ADDR": master[0],
            "MASTER_PORT": str(master[1] + 1),
            CONTROL: f"{master[0]}:{master[1]}",
            RESTART: str(restart),
            LAUNCHER: str(os.getpid()),
        }


class Launcher:
    """Run a launch to its end.

    Args:
        launch: program and ranks.
        report: prints a message to the user.
    """

    def __init__(
        self, launch: Launch, report: Callable[[str], None] = lambda text: _print(text)
    ) -> None:
        self._launch, self._report = launch, report
        self._token = os.environ.get(TOKEN) or secrets.token_hex(16)
        self._ranks: list[subprocess.Popen[bytes]] = []
        self._signal: int | None = None
        self._own_end = 0.0  # time until which the ranks may end by themselves after a failure
        self._output = self._new_output()

    def run(self) -> int:
        """Start the ranks, again after a death if that is wanted; returns the exit status."""
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number in before:
            signal.signal(number, self._forward)
        folder = tempfile.mkdtemp(prefix="densefit-launch-")
        try:
            restart = 0
            while True:
                status = self._run_once(restart, folder)
                if status == 0 or self._signal is not None or restart >= self._launch.restarts:
                    return status
                restart += 1
                self._report(
                    f"all ranks start again ({restart} of {self._launch.restarts} restarts), from "
                    "the newest checkpoint if there is one"
                )
        finally:
            self._end_all(0.0)
            shutil.rmtree(folder, ignore_errors=True)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _new_output(self) -> Output:
        launch = self._launch
        return Output(launch.first_rank, launch.all_output, sys.stdout, sys.stderr)

    def _run_once(self, restart: int, folder: str) -> int:
        """Run all ranks until they have ended; returns the exit status."""
        launch = self._launch
        master = launch.master or ("127.0.0.1", _two_free_ports())
        self._ranks, self._output = [], self._new_output()
        first = launch.first_rank
        for local_rank in range(launch.nproc):
            environment = {
                **launch.environment(local_rank, restart, master),
                TOKEN: self._token,
                FOLDER: folder,
            }
            rank = subprocess.Popen(
                list(launch.command),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=os.name == "posix",  # a terminal's signals come once, from here
            )
            self._ranks.append(rank)
            self._output.follow(first + local_rank, rank.stdout, rank.stderr)
            if self._signal is not None:  # it came before this rank could get it
                self._send(_KILL)
                break
        dead = self._wait()
        if dead is not None:
            code = self._ranks[dead].returncode
            lasts = "" if self._signal is not None else "; the others are ended"
            if code == LOST_PEER:
                lasts = f", as another rank had failed or did not answer{lasts}"
            if self._signal is not None and code in (128 + self._signal, -self._signal):
                self._report(f"stopped by {signal.Signals(self._signal).name}")
            else:
                process = f"(process {self._ranks[dead].pid})"
                self._report(f"rank {first + dead} {process} {_status_text(code)}{lasts}")
            self._end_all(self._own_end - time.monotonic())
        self._output.finish(5.0)
        return 0 if dead is None else _exit_status(self._ranks[dead].returncode)

    def _wait(self) -> int | None:
        """Wait until all ranks have ended well (None), or one has not: its local number."""
        settled: float | None = None
        while True:
            codes = [rank.poll() for rank in self._ranks]
            failed = [number for number, code in enumerate(codes) if code]
            if all(code == 0 for code in codes):
                return None
            if failed and settled is None:  # the one that was first to fail may be the last to end
                settled = time.monotonic() + _SETTLING
                self._own_end = time.monotonic() + OWN_END
            elif settled is not None and time.monotonic() > settled:
                # A rank that was killed is the cause; one that lost a peer is a consequence.
                dead = min(failed, key=lambda n: ((codes[n] or 0) >= 0, codes[n] == LOST_PEER))
                is_over = None not in codes or time.monotonic() > self._own_end
                if codes[dead] != LOST_PEER or is_over:
                    return dead
            self._output.tick()
            time.sleep(_POLL)

    def _end_all(self, seconds: float) -> None:
        """Let the ranks end by themselves for some seconds, then by SIGTERM, then by SIGKILL."""
        for wait, number in (
            (seconds, signal.SIGTERM),
            (AFTER_TERM, getattr(signal, "SIGKILL", 9)),
        ):
            end = time.monotonic() + wait
            while any(rank.poll() is None for rank in self._ranks) and time.monotonic() < end:
                self._output.tick()
                time.sleep(_POLL)
            self._send(number)
        for rank in self._ranks:
            rank.wait()

    def _forward(self, number: int, frame: FrameType | None) -> None:
        """Pass a signal on to all ranks; the second one kills them."""
        is_first, self._signal = self._signal is None, number
        self._send(number if is_first else _KILL)

    def _send(self, number: int) -> None:
        for rank in self._ranks:
            if rank.poll() is None:
                try:
                    rank.send_signal(number)
                except OSError:  # it has just ended
                    pass


def _print(text: str) -> None:
    print(f"densefit launch: {text}", file=sys.stderr, flush=True)


def _status_text(code: int) -> str:
    if code < 0:
        try:
            return f"was ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"was ended by signal {-code}"
    return f"ended with status {code}"


def _exit_status(code: int) -> int:
    return 128 - code if code < 0 else code


def _two_free_ports() -> int:
    """A free port of this machine whose successor is free too."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
