"""Contenders that are measured in turn, each in its own process.

Frameworks bring their own thread pools and allocators, and some cannot be imported beside one
another; so each contender is a script that prepares, reports that it is ready, and works on
request. Only one works at a time: the others wait for their standard input. Neighbours in a round
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

FOLDER = str(Path(__file__).resolve().parent)
# This folder, and densefit of this checkout: it lets MXNet work with today's numpy, too.
_PATH = os.pathsep.join([FOLDER, str(Path(FOLDER).parent)])
# Variables that importing densefit sets, which a contender must not inherit.
_SET_BY_DENSEFIT = (
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
_ENDING = 10.0  # seconds


def serve(facts: Mapping[str, Any], work: Callable[[int], float]) -> None:
    """Work on request until standard input ends; the last call of a contender's script.

    Args:
        facts: figures for the table, as JSON.
        work: function that does a number of units of work and returns the seconds spent.
    """
    tell_ready(facts)
    while True:
        tell_done(work(asked()))


def tell_ready(facts: Mapping[str, Any]) -> None:
    """Report that the contender is ready."""
    print(_READY + json.dumps(dict(facts)), flush=True)


def asked() -> int:
    """Wait for the next request; the number of units of work."""
    line = sys.stdin.readline()
    if not line:
        raise SystemExit
    return int(line)


def tell_done(seconds: float) -> None:
    """Report the seconds that the work took."""
    print(_DONE + json.dumps(seconds), flush=True)


class Contender:
    """A running script that ends with `serve`.

    Args:
        name: label in the table.
        command: python, script and arguments.
        environment: further environment variables.
        log: file for the script's standard error.

    Attributes:
        facts: figures that the script reported when it was ready.
    """

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> None:
        self.name, self._log = name, log
        inherited = {k: value for k, value in os.environ.items() if k not in _SET_BY_DENSEFIT}
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**inherited, "PYTHONPATH": _PATH, **environment},
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
        """End the process, which removes its files before."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(_ENDING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answer(self, kind: str) -> Any:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(kind):
                return json.loads(line[len(kind) :])
        raise SystemExit(f"{self.name} has died:\n{self._log.read_text()[-3000:]}")


def in_turn(contenders: Sequence[Contender], rounds: int, count: int) -> dict[str, list[float]]:
    """Measure seconds of each contender in each round; the first one of a round rotates."""
    seconds: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for turn in range(rounds):
        first = turn % len(contenders)
        for contender in [*contenders[first:], *contenders[:first]]:
            seconds[contender.name].append(contender.work(count))
    return seconds


def ratio(seconds: Mapping[str, Sequence[float]], name: str, base: str) -> float:
    """Median over rounds of a contender's time over that of another in the same round."""
    return statistics.median(a / b for a, b in zip(seconds[name], seconds[base]))


def machine() -> str:
    """Cores and date, for a table's head."""
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, {time.strftime('%Y-%m-%d')}"
