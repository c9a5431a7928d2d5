"""An mx.mon.Monitor on the executors that train."""

from __future__ import annotations

from typing import Any


class Monitoring:
    """Install a monitor on the current executors and start it before an update.

    Each batch shape has its own executors, on which Module would not install the monitor.

    Args:
        monitor: an mx.mon.Monitor.
    """

    def __init__(self, monitor: Any) -> None:
        self._monitor = monitor
        self._watched: list[Any] = []

    def begin(self, module: Any, first: bool) -> None:
        """Move the monitor to the executors of a bound Module before it runs.

        Args:
            module: Module that is bound to the batch's shapes.
            first: whether the batch is the first of an update: the monitor is then started.
        """
        executors = module._exec_group.execs
        if len(executors) != len(self._watched) or any(
            executor is not watched for executor, watched in zip(executors, self._watched)
        ):
            if hasattr(self._monitor, "exes"):
                self._monitor.exes = []  # else it would read the arrays of executors out of use
            module.install_monitor(self._monitor)
            self._watched = list(executors)
        if first:
            self._monitor.tic()
