"""Hub of the control channel: a thread of rank 0 that answers the ranks' collectives."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Sequence

from densefit.distributed.connection import (
    BEAT,
    CALL,
    FAILURE,
    LEAVE,
    RESULT,
    Connection,
    accept_member,
    tune,
)
from densefit.distributed.environment import RankSettings
from densefit.distributed.peer import Peer
from densefit.errors import DistributedError

_TICK = 0.5  # seconds between checks of silent ranks and slow collectives
_TELLING_SECONDS = 2.0  # for the other ranks to learn of a failure before rank 0 does


class Hub:
    """Gather each collective's contributions from all ranks, and send them back.

    A rank whose connection ends without a goodbye, or that is silent, has died; ranks that call
    different collectives have diverged. Either is reported to all of them.

    Args:
        settings: settings of rank 0.

    Raises:
        DistributedError: none of the ports is free.
    """

    def __init__(self, settings: RankSettings) -> None:
        self._settings = settings
        self._members: dict[int, Peer] = {}
        self._lock = threading.Lock()
        self._failure: str | None = None
        self._is_told = threading.Event()  # the failure, to all ranks
        self._begun = time.monotonic()
        self._is_closed = False
        self._server = _listen(settings)
        self.port = int(self._server.getsockname()[1])
        for target in (self._accept, self._watch):
            threading.Thread(
                target=target, name=f"densefit-hub-{target.__name__}", daemon=True
            ).start()

    def close(self, seconds: float) -> None:
        """Wait for the goodbyes of all ranks; tell those that are late that rank 0 ends."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._failure is None:
            with self._lock:
                if all(member.has_left for member in self._members.values()):
                    break
            time.sleep(0.02)
        if self._failure is not None:
            self._is_told.wait(max(0.0, end - time.monotonic()))
        self._is_closed = True
        members = list(self._members.values())
        for member in members:
            member.send(LEAVE)
        for member in members:
            member.flush(max(0.1, end - time.monotonic()))
        self._server.close()

    def _accept(self) -> None:
        """Take in the ranks; strangers get nothing but a number."""
        while not self._is_closed:
            try:
                plug, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._greet, args=(plug,), daemon=True).start()

    def _greet(self, plug: socket.socket) -> None:
        tune(plug)
        rank = accept_member(plug, self._settings.token, self._settings.restart)
        with self._lock:
            is_new = rank is not None and rank < self._settings.size and rank not in self._members
            if is_new and rank is not None:
                self._members[rank] = Peer(Connection(plug))
        if not is_new or rank is None:
            plug.close()
            return
        if self._failure is not None:  # too late
            self._send_failure(self._members[rank])
        self._serve(rank, self._members[rank])

    def _serve(self, rank: int, member: Peer) -> None:
        """Read a rank's messages until it leaves."""
        try:
            while True:
                kind, content = member.connection.receive()
                if kind == BEAT:
                    member.send(BEAT)
                elif kind == CALL:
                    self._take(rank, member, content)
                elif kind == FAILURE:
                    self._fail(f"Rank {rank} has failed: {content.decode(errors='replace')}", rank)
                elif kind == LEAVE:
                    with self._lock:
                        member.has_left = True
                    self._check_left()
        except OSError as error:
            if not member.has_left and not self._is_closed:
                self._fail(
                    f"Rank {rank} has died: its connection ended ({error}); its last collective "
                    f"was {member.last!r}",
                    rank,
                )

    def _take(self, rank: int, member: Peer, content: bytearray) -> None:
        """Take a rank's part of a collective; answer all ranks with the last part."""
        length = int.from_bytes(content[:4], "little")
        head = json.loads(bytes(content[4 : 4 + length]))
        with self._lock:
            member.last, member.called = str(head["name"]), time.monotonic()
            member.call = (member.last, str(head["to"]), content[4 + length :])
            calls = {r: m.call for r, m in self._members.items() if m.call is not None}
            if len(calls) == self._settings.size:
                for other in self._members.values():
                    other.call = None
        names = {call[:2] for call in calls.values()}
        if len(names) > 1:
            texts = [f"rank {r}: {call[0]!r}" for r, call in sorted(calls.items())]
            self._fail(
                f"The ranks have diverged, and wait for different things: {'; '.join(texts)}"
            )
        elif len(calls) == self._settings.size:
            self._answer([calls[r][2] for r in sorted(calls)], next(iter(names))[1])
        else:
            self._check_left()

    def _answer(self, parts: Sequence[bytes | bytearray], to: str) -> None:
        """Send all parts to all ranks, or to rank 0 only."""
        lengths = b"".join(len(part).to_bytes(8, "little") for part in parts)
        whole: list[bytes | memoryview] = [lengths, *(memoryview(part) for part in parts)]
        for rank, member in sorted(self._members.items()):
            is_for_rank = to == "all" or rank == 0
            member.send(RESULT, whole if is_for_rank else [])

    def _check_left(self) -> None:
        """Report ranks that wait for one that has ended."""
        with self._lock:
            left = sorted(r for r, m in self._members.items() if m.has_left)
            waiting = {r: m.call[0] for r, m in self._members.items() if m.call is not None}
        if left and waiting:
            texts = [f"rank {r} waits at {name!r}" for r, name in sorted(waiting.items())]
            self._fail(f"{_ranks(left)} ended, while {'; '.join(texts)}")

    def _watch(self) -> None:
        """Find ranks that do not come, are silent, or keep the others waiting."""
        settings = self._settings
        while not self._is_closed and self._failure is None:
            time.sleep(_TICK)
            now = time.monotonic()
            with self._lock:
                missing = sorted(set(range(settings.size)) - set(self._members))
                present = {r: m for r, m in self._members.items() if not m.has_left}
                silent = [
                    rank
                    for rank, member in present.items()
                    if now - member.connection.heard > settings.silent_seconds
                ]
                waits = [m.called for m in present.values() if m.call is not None]
                late = {r: m.last for r, m in present.items() if m.call is None}
            if missing and now - self._begun > settings.join_seconds:
                self._fail(f"{_ranks(missing)} did not join in {settings.join_seconds:g} s")
            elif silent:
                self._fail(f"{_ranks(silent)} sent no heartbeat for {settings.silent_seconds:g} s")
            elif waits and not missing and now - min(waits) > settings.collective_seconds:
                texts = [f"rank {r} (last: {name!r})" for r, name in sorted(late.items())]
                name = next(m.call[0] for m in present.values() if m.call is not None)
                self._fail(
                    f"The collective {name!r} has waited {settings.collective_seconds:g} s for "
                    f"{', '.join(texts)}"
                )

    def _fail(self, text: str, source: int | None = None) -> None:
        """Report a failure to all ranks but its source; only the first one counts."""
        with self._lock:
            if self._failure is not None:
                return
            self._failure = text
        members = [m for r, m in sorted(self._members.items()) if r not in (0, source)]
        for member in members:
            self._send_failure(member)
        # Rank 0 last: this process may end as soon as it knows, and the others would take that for
        # the failure. One that has stopped reading never knows.
        end = time.monotonic() + _TELLING_SECONDS
        for member in members:
            member.flush(end - time.monotonic())
        if source != 0 and 0 in self._members:
            self._send_failure(self._members[0])
            self._members[0].flush(_TELLING_SECONDS)
        self._is_told.set()

    def _send_failure(self, member: Peer) -> None:
        member.send(FAILURE, [(self._failure or "").encode()])


def _ranks(numbers: list[int]) -> str:
    return f"Rank{'s' if len(numbers) > 1 else ''} {', '.join(map(str, sorted(numbers)))}"


def _listen(settings: RankSettings) -> socket.socket:
    """Open the first port that is free."""
    errors = []
    for port in settings.ports:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        server = socket.socket(family, socket.SOCK_STREAM)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((settings.host, port))
            server.listen(settings.size + 8)
        except OSError as error:
            server.close()
            errors.append(f"{port}: {error}")
            continue
        return server
    raise DistributedError(
        "Rank 0 cannot open the control channel",
        received="; ".join(errors),
        where=f"host {settings.host}",
        fix="choose another --master host:port",
    )
