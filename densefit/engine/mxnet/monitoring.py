"""An mx.mon.Monitor on the executors that train."""

from __future__ import annotations

from typing import Any


class Monitoring:
    """Installs a monitor on the executors in use and starts it before an update.

    Batches of several shapes have executors each; Module would lose the monitor with them.

    Args:
        monitor: an mx.mon.Monitor.
    """

    def __init__(self, monitor: Any) -> None:
        self._monitor = monitor
        self._watched: list[Any] = []

    def begin(self, module: Any, first: bool) -> None:
        """Follow the executors of a bound Module that is about to run.

        Args:
            module: of the batch's shapes.
            first: whether the batch is the first of an update: the monitor is then started.
        """
        executors = module._exec_group.execs
        if len(executors) != len(self._watched) or any(
            one is not other for one, other in zip(executors, self._watched)
        ):
            if hasattr(self._monitor, "exes"):
                self._monitor.exes = []  # else it would read the arrays of executors out of use
            module.install_monitor(self._monitor)
            self._watched = list(executors)
        if first:
            self._monitor.tic()
