"""Progress of a training that names no callback for it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

from densefit.callbacks.callback import Callback, Control, TrainState
from densefit.callbacks.epoch_report import EpochReport
from densefit.callbacks.progress import Progress, epoch_report, with_validation
from densefit.errors import ConfigError

_log = logging.getLogger("densefit")


class EpochLog(Callback):
    """Logs a line per epoch, with validation scores, at level INFO of the logger "densefit"."""

    def __init__(self) -> None:
        self._report: EpochReport | None = None

    def epoch_started(self, state: TrainState, control: Control) -> None:
        """Log the last epoch, if no validation followed."""
        self._end()

    def epoch_ended(self, state: TrainState, control: Control) -> None:
        """Keep the epoch's metrics; the line waits for the validation that may follow."""
        if _log.isEnabledFor(logging.INFO):
            self._report = epoch_report(state)

    def validated(self, state: TrainState, control: Control) -> None:
        """Log the epoch with its scores."""
        if self._report is not None:
            self._report = with_validation(state, self._report)
            self._end()

    def fit_ended(self, state: TrainState, error: BaseException | None) -> None:
        """Log the last epoch."""
        self._end()

    def _end(self) -> None:
        if self._report is not None:
            _log.info("%s", self._report.text())
            self._report = None


def with_progress(
    callbacks: Sequence[Callback],
    progress: bool | None,
    is_shown: bool = False,
    is_logged: bool = False,
) -> list[Callback]:
    """Return the callbacks of a training, with a callback that shows progress if none does.

    Args:
        callbacks: the user's; a Progress among them suffices.
        progress: True adds a Progress; False adds nothing; None adds a Progress on a terminal or
            in a notebook, and logs a line per epoch elsewhere.
        is_shown: whether a callback of MXNet's shows progress within epochs.
        is_logged: whether epochs are logged as Module.fit logs them.

    Raises:
        ConfigError: `progress` is none of these.
    """
    if progress not in (True, False, None):
        raise ConfigError("progress is a switch", expected="True, False or None", received=progress)
    listed = list(callbacks)
    if progress is False or any(isinstance(callback, Progress) for callback in listed):
        return listed
    if progress or (is_watched() and not is_shown):
        return [Progress(), *listed]
    return listed if is_logged or is_shown else [EpochLog(), *listed]


def is_watched() -> bool:
    """Whether standard error is a terminal, or the process is a notebook's."""
    if sys.stderr is not None and sys.stderr.isatty():
        return True
    interactive = sys.modules.get("IPython")
    shell = None if interactive is None else interactive.get_ipython()
    return hasattr(shell, "kernel")
