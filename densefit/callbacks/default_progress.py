"""Progress of a training that names no callback for it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

from densefit.callbacks.callback import Callback, Control, TrainState
from densefit.callbacks.epoch_report import epoch_line, of_updates, validation_lines
from densefit.callbacks.progress import Progress
from densefit.callbacks.scored_callback import ScoredCallback
from densefit.errors import ConfigError

_log = logging.getLogger("densefit")


class EpochLog(ScoredCallback):
    """Logs each epoch, and each validation's scores, at level INFO of the logger "densefit"."""

    def epoch_ended(self, state: TrainState, control: Control) -> None:
        """Log a line about the epoch."""
        if _log.isEnabledFor(logging.INFO):
            _log.info("%s", epoch_line(state))

    def validated(self, state: TrainState, control: Control) -> None:
        """Log the scores, below one another."""
        if _log.isEnabledFor(logging.INFO):
            lines = validation_lines(state, self._board)
            title = f"validation after {of_updates(state)}:"
            _log.info("%s", "\n".join([title, *(line.plain for line in lines)]))


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
