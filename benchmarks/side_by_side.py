"""Contenders that are measured in turn, each in a process of its own.

Frameworks bring their own thread pools and allocators, and some cannot be imported beside one
another; so each contender is a script that makes itself ready, says so, and then works when it is
told to. Only one works at a time: the others wait for their standard input. Neighbours in a round
see the same machine, so ratios are taken within rounds, and medians over rounds.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = str(Path(__file__).resolve().parent)  # scripts import what lies here
# For a Python that has MXNet and no densefit, whose base lets MXNet work with today's numpy.
BESIDE = {"PYTHONPATH": os.pathsep.join([FOLDER, str(Path(FOLDER).parent)])}
# What importing densefit sets, in a process that others inherit from.
_OURS = (
    "GOMP_SPINCOUNT",
    "MXNET_SUBGRAPH_BACKEND",
    "MXNET_SUBGRAPH_VERBOSE",
    "MXNET_MKLDNN_CACHE_NUM",
    "OMP_NUM_THREADS",
)
_READY = "ready: "
_DONE = "done: "
# OpenMP threads go on spinning for a while after their work; the next contender waits for that.
_SETTLE = 0.3


def serve(facts: Mapping[str, Any], work: Callable[[int], float]) -> None:
    """What a contender's script ends with: do as much work as is asked for, until told to end.

    Args:
        facts: what the table needs to know; JSON.
        work: does so many units of work and returns the seconds that they took.
    """
    tell_ready(facts)
    while True:
        tell_done(work(asked()))


def tell_ready(facts: Mapping[str, Any]) -> None:
    """Say that work can be asked for."""
    print(_READY + json.dumps(dict(facts)), flush=True)


def asked() -> int:
    """Wait for the next piece of work: units."""
    line = sys.stdin.readline()
    if not line:
        raise SystemExit
    return int(line)


def tell_done(seconds: float) -> None:
    """Say how long it took."""
    print(_DONE + json.dumps(seconds), flush=True)


class Contender:
    """A script that serves.

    Args:
        name: in the table.
        command: python, script and arguments.
        environment: further variables.
        log: file for what it writes to stderr.

    Attributes:
        facts: what it told about itself.
    """

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> None:
        self.name, self._log = name, log
        inherited = {key: own for key, own in os.environ.items() if key not in _OURS}
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**inherited, "PYTHONPATH": FOLDER, **environment},
            )
        self.facts: dict[str, Any] = self._answer(_READY)

    def work(self, count: int) -> float:
        """Seconds of `count` units."""
        time.sleep(_SETTLE)
        assert self._process.stdin is not None
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        return float(self._answer(_DONE))

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

    def _answer(self, kind: str) -> Any:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(kind):
                return json.loads(line[len(kind) :])
        raise SystemExit(f"{self.name} has died:\n{self._log.read_text()[-3000:]}")


def in_turn(contenders: Sequence[Contender], rounds: int, count: int) -> dict[str, list[float]]:
    """Seconds of each contender in each round; a round begins with another one each time."""
    seconds: dict[str, list[float]] = {one.name: [] for one in contenders}
    for turn in range(rounds):
        first = turn % len(contenders)
        for one in [*contenders[first:], *contenders[:first]]:
            seconds[one.name].append(one.work(count))
    return seconds


def ratio(seconds: Mapping[str, Sequence[float]], name: str, base: str) -> float:
    """Median over rounds of a contender's time over that of another in the same round."""
    return statistics.median(a / b for a, b in zip(seconds[name], seconds[base]))


def machine() -> str:
    """Cores and date, for a table's head."""
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, {time.strftime('%Y-%m-%d')}"
