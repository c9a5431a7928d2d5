"""SIGINT and SIGTERM while training: finish the update, save, and stop."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from typing_extensions import Self

from densefit.errors import TrainingInterrupted as TrainingInterrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """Context that records the first SIGINT or SIGTERM; a second one ends the process at once.

    Has no effect outside the main thread, where Python cannot handle signals, and on ignored
    signals.

    Attributes:
        received: number of the signal; None before the first.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for signum in SIGNALS:
                before = signal.getsignal(signum)
                if before not in (signal.SIG_IGN, None):  # None: another language's handler
                    self._before[signum] = before
                    signal.signal(signum, self._note)
        return self

    def _note(self, signum: int, frame: FrameType | None) -> None:
        self.received = signum
        for handled in self._before:
            signal.signal(handled, signal.SIG_DFL)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for signum, before in self._before.items():
            signal.signal(signum, before)
        self._before = {}
