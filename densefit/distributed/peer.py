"""A rank as the hub knows it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from densefit.distributed.connection import LEAVE, Connection

_Message = tuple[bytes, Sequence[bytes | memoryview]]


@dataclass
class Peer:
    """Connection and state of a rank.

    Attributes:
        connection: its connection.
        last: name of the last collective that it called.
        call: content of a collective that others have not called yet.
        has_left: whether it said goodbye.
    """

    connection: Connection
    last: str = "joining"
    call: tuple[str, str, bytearray] | None = None
    called: float = 0.0
    has_left: bool = False
    _outbox: queue.Queue[_Message] = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        threading.Thread(target=self._send_all, name="densefit-hub-send", daemon=True).start()

    def send(self, kind: bytes, pieces: Sequence[bytes | memoryview] = ()) -> None:
        """Send a message in a thread of this rank: one that has stopped reading delays no other."""
        self._outbox.put((kind, pieces))

    def flush(self, seconds: float) -> None:
        """Wait until all messages are sent, or for some seconds."""
        end = time.monotonic() + seconds
        while self._outbox.unfinished_tasks and time.monotonic() < end:
            time.sleep(0.01)

    def _send_all(self) -> None:
        while True:
            kind, pieces = self._outbox.get()
            try:
                self.connection.send(kind, pieces)
            except OSError:  # its reader reports it
                pass
            self._outbox.task_done()
            if kind == LEAVE:
                return
