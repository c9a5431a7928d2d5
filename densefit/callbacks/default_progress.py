"""Whether and how a training shows its progress when nobody has said so."""

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
    """Logs a line an epoch, with the validation's scores, at the level INFO of "densefit"."""

    def __init__(self) -> None:
        self._report: EpochReport | None = None

    def epoch_started(self, state: TrainState, control: Control) -> None:
        """Log an epoch that was not followed by a validation."""
        self._end()

    def epoch_ended(self, state: TrainState, control: Control) -> None:
        """Note the epoch's numbers; the line waits for the validation that may follow."""
        if _log.isEnabledFor(logging.INFO):
            self._report = epoch_report(state)

    def validated(self, state: TrainState, control: Control) -> None:
        """Add the scores."""
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
    """The callbacks of a training, and what shows its progress beside them.

    Args:
        callbacks: of the user's. A Progress among them is the only one.
        progress: True for a Progress; False for nothing; None for a Progress on a terminal and in
            a notebook, and a line an epoch in the log elsewhere.
        is_shown: whether the user has something of MXNet's that shows it between epochs.
        is_logged: whether lines of MXNet's own tell of epochs, as Module.fit logs them.

    Raises:
        ConfigError: `progress` is none of these.
    """
    if progress not in (True, False, None):
        raise ConfigError("progress is a switch", expected="True, False or None", received=progress)
    own = list(callbacks)
    if progress is False or any(isinstance(callback, Progress) for callback in own):
        return own
    if progress or (is_watched() and not is_shown):
        return [Progress(), *own]
    return own if is_logged or is_shown else [EpochLog(), *own]


def is_watched() -> bool:
    """Whether somebody looks at what is written: on a terminal, or in a notebook."""
    if sys.stderr is not None and sys.stderr.isatty():
        return True
    interactive = sys.modules.get("IPython")
    shell = None if interactive is None else interactive.get_ipython()
    return hasattr(shell, "kernel")
