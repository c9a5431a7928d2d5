"""A rank's end of the control channel: calls collectives, sends heartbeats, learns of failures."""

from __future__ import annotations

import json
import os
import queue
import shutil
import socket
import sys
import threading
import time
from typing import Any

from densefit.distributed.connection import (
    BEAT,
    CALL,
    FAILURE,
    HANDSHAKE_SECONDS,
    LEAVE,
    RESULT,
    Connection,
    join_hub,
    tune,
)
from densefit.distributed.environment import LOST_PEER, RankSettings
from densefit.distributed.frames import decode, encode
from densefit.distributed.launcher_process import LauncherProcess
from densefit.errors import DistributedError

#: Seconds in which a rank must end by itself after a failure; it is then ended.
GRACE = 15.0
_BEAT = 1.0  # seconds between heartbeats
_REMOVALS = 20  # of a folder, a tenth of a beat apart


class Member:
    """Take part in the ranks' collectives.

    Each collective has a name, which must be the same on all ranks. After a failure every call
    raises its error; a process that does not end in time (its main thread may wait for a dead peer
    in a library) is ended with the status LOST_PEER.

    Args:
        settings: settings of this rank.

    Attributes:
        local_host: address of this machine, as rank 0 reaches it.
        has_told_failure: whether this rank has failed and told the others.

    Raises:
        DistributedError: rank 0 cannot be reached.
    """

    def __init__(self, settings: RankSettings) -> None:
        self._settings = settings
        self._connection = Connection(_connect(settings))
        self.local_host = self._connection.local_host
        self._answers: queue.Queue[bytearray | None] = queue.Queue()
        self._failure: str | None = None
        self._launcher = LauncherProcess(settings.launcher)
        self._has_left = self._hub_has_left = self.has_told_failure = False
        for target in (self._read, self._beat, self._watch):
            threading.Thread(target=target, name=f"densefit-{target.__name__}", daemon=True).start()

    @property
    def has_failed(self) -> bool:
        """Whether a rank is known to have failed, this one included."""
        return self._failure is not None or self.has_told_failure

    @property
    def failure(self) -> str | None:
        """What has failed in another rank; None if nothing has."""
        return self._failure

    def call(self, name: str, value: Any, to: str = "all") -> list[Any] | None:
        """Contribute a value to a collective; returns the values of all ranks, in their order.

        Args:
            name: name of the collective.
            value: see `frames`.
            to: "all", or "first": only rank 0 gets the values, others None.

        Raises:
            DistributedError: a rank failed, or called another collective.
        """
        head = json.dumps({"name": name, "to": to}).encode()
        pieces = encode(value)
        try:
            self._check()
            self._connection.send(CALL, [len(head).to_bytes(4, "little"), head, *pieces])
        except OSError as error:
            if not self._hub_has_left:
                self._lost(f"Rank 0 has died: its connection ended ({error})")
        answer = self._answers.get()
        if answer is None:
            self._check()
            raise DistributedError("The control channel was closed", where=name)
        return _parts(answer, self._settings.size) if answer else None

    def fail(self, text: str) -> None:
        """Tell the other ranks that this one has failed."""
        if self._failure is None and not self._has_left:
            self._has_left = self.has_told_failure = True
            try:
                self._connection.send(FAILURE, [text.encode()])
            except OSError:
                pass

    def leave(self) -> None:
        """Say goodbye."""
        if not self._has_left:
            self._has_left = True
            try:
                self._connection.send(LEAVE)
            except OSError:
                pass

    def _check(self) -> None:
        if self._failure is not None:
            raise DistributedError(
                self._failure, where=f"rank {self._settings.rank} of {self._settings.size}"
            )

    def _read(self) -> None:
        """Take in answers and failures."""
        try:
            while True:
                kind, content = self._connection.receive()
                if kind == RESULT:
                    self._answers.put(content)
                elif kind == FAILURE:
                    self._lost(content.decode(errors="replace"))
                elif kind == LEAVE:
                    self._hub_has_left = True
        except OSError as error:
            if self._hub_has_left:
                self._failure = self._failure or "Rank 0 has ended"
                self._answers.put(None)
            elif not self._has_left:
                self._lost(f"Rank 0 has died: its connection ended ({error})")

    def _beat(self) -> None:
        """Send heartbeats."""
        while not self._has_left and self._failure is None:
            time.sleep(_BEAT)
            try:
                self._connection.send(BEAT)  # waits while a large message is on its way
            except OSError:  # `_read` reports it
                return

    def _watch(self) -> None:
        """Find a launcher that has died, and a rank 0 that is silent."""
        silent_seconds = self._settings.silent_seconds
        while not self._has_left and self._failure is None:
            time.sleep(_BEAT)
            if self._launcher.has_died():
                self._remove_folder()
                self._lost("The launcher has died")
            silence = time.monotonic() - self._connection.heard
            if silence > silent_seconds and not self._hub_has_left:
                self._lost(f"Rank 0 sent no heartbeat for {silent_seconds:g} s")

    def _remove_folder(self) -> None:
        """Remove the launcher's folder, also while another rank writes into it or removes it."""
        for _ in range(_REMOVALS):
            shutil.rmtree(self._settings.folder, ignore_errors=True)
            if not os.path.exists(self._settings.folder):
                return
            time.sleep(_BEAT / 10)

    def _lost(self, text: str) -> None:
        """Record a failure, wake the caller, and see that the process ends."""
        if self._failure is not None:
            return
        self._failure = text
        self._answers.put(None)
        threading.Thread(target=self._end, name="densefit-end", daemon=True).start()

    def _end(self) -> None:
        time.sleep(GRACE)
        rank = self._settings.rank
        print(f"densefit: rank {rank} ends, as it did not by itself: {self._failure}",
              file=sys.stderr, flush=True)  # fmt: skip
        os._exit(LOST_PEER)


def _parts(answer: bytearray, size: int) -> list[Any]:
    """Split an answer into the ranks' values."""
    view, start, values = memoryview(answer), 8 * size, []
    for rank in range(size):
        length = int.from_bytes(view[8 * rank : 8 * rank + 8], "little")
        values.append(decode(view[start : start + length]))
        start += length
    return values


def _connect(settings: RankSettings) -> socket.socket:
    """Connect to the hub, which may start later than this rank."""
    end = time.monotonic() + settings.join_seconds
    while time.monotonic() < end:
        for port in settings.ports:
            try:
                plug = socket.create_connection((settings.host, port), HANDSHAKE_SECONDS)
            except OSError:
                continue
            tune(plug)
            if join_hub(plug, settings.token, settings.rank, settings.restart):
                return plug
            plug.close()
        time.sleep(0.05)
    raise DistributedError(
        "Rank 0 cannot be reached",
        expected=f"its control channel at {settings.host}, port {_ports(settings.ports)}",
        received=f"no answer in {settings.join_seconds:g} s",
        where=f"rank {settings.rank} of {settings.size}",
        fix="was rank 0 started, with the same --master and token, and does a firewall allow it?",
    )


def _ports(ports: tuple[int, ...]) -> str:
    return str(ports[0]) if len(ports) == 1 else f"{ports[0]} to {ports[-1]}"
