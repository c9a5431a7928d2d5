"""One TCP connection between a rank and the hub: messages, and proof of the token."""

from __future__ import annotations

import hmac
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence

# Kinds of messages.
BEAT, CALL, RESULT, FAILURE, LEAVE = b"B", b"C", b"R", b"F", b"L"

_MAGIC = b"densefit control"
_HEADER = struct.Struct("<cQ")
_RANK = struct.Struct("<II")  # rank, restart
_NONCE, _PROOF = 32, 32
_LARGEST = 1 << 40  # bytes of a message of an authenticated peer
HANDSHAKE_SECONDS = 10.0


class Connection:
    """Send and receive messages over a connected socket.

    Args:
        plug: connected socket, after the handshake.

    Attributes:
        heard: time at which the last bytes came, also of a message that is not complete yet.
    """

    def __init__(self, plug: socket.socket) -> None:
        self._plug = plug
        self._sending = threading.Lock()
        self.heard = time.monotonic()

    @property
    def local_host(self) -> str:
        """Address of this machine, as the peer reaches it."""
        return str(self._plug.getsockname()[0])

    def send(self, kind: bytes, pieces: Sequence[bytes | memoryview] = ()) -> None:
        """Send one message; threads may send at once.

        Raises:
            OSError: the connection is broken.
        """
        with self._sending:
            self._plug.sendall(_HEADER.pack(kind, sum(len(piece) for piece in pieces)))
            for piece in pieces:
                self._plug.sendall(piece)

    def receive(self) -> tuple[bytes, bytearray]:
        """Wait for one message: (kind, content).

        Raises:
            OSError: the connection is broken or closed.
        """
        kind, length = _HEADER.unpack(read_exactly(self._plug, _HEADER.size, self._hear))
        if length > _LARGEST:
            raise OSError(f"a message of {length} bytes")
        return kind, read_exactly(self._plug, length, self._hear)

    def close(self) -> None:
        """Close the socket; a thread that waits in `receive` gets an OSError."""
        try:
            self._plug.shutdown(socket.SHUT_RDWR)
        except OSError:  # not connected any more
            pass
        self._plug.close()

    def _hear(self) -> None:
        self.heard = time.monotonic()


def read_exactly(
    plug: socket.socket, count: int, on_bytes: Callable[[], None] = lambda: None
) -> bytearray:
    """Read `count` bytes; `on_bytes` is called whenever some have come.

    Raises:
        OSError: the peer has closed the connection.
    """
    data = bytearray(count)
    view = memoryview(data)
    while view:
        got = plug.recv_into(view)
        if not got:
            raise ConnectionResetError("the connection was closed")
        on_bytes()
        view = view[got:]
    return data


def tune(plug: socket.socket) -> None:
    """Send at once, and let the kernel find a machine that has vanished in some 15 seconds."""
    plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    plug.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 3), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):  # not on every system
            plug.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def accept_member(plug: socket.socket, token: bytes, restart: int) -> int | None:
    """Check a peer's proof of the token on the hub's side; returns its rank, None for a stranger.

    Neither side sends the token: each proves to know it for a number that the peer drew.

    Args:
        plug: accepted socket.
        token: secret of the ranks.
        restart: how often the ranks were started again; others belong to an earlier start.
    """
    mine = os.urandom(_NONCE)
    try:
        plug.settimeout(HANDSHAKE_SECONDS)
        plug.sendall(_MAGIC + mine)
        answer = bytes(read_exactly(plug, _NONCE + _RANK.size + _PROOF))
        theirs, who, proof = (
            answer[:_NONCE],
            answer[_NONCE : _NONCE + _RANK.size],
            answer[_NONCE + _RANK.size :],
        )
        rank, their_restart = _RANK.unpack(who)
        if not hmac.compare_digest(proof, _proof(token, b"member", mine, theirs, who)):
            return None
        if their_restart != restart:
            return None
        plug.sendall(_proof(token, b"hub", theirs, mine, who))
        plug.settimeout(None)
    except OSError:
        return None
    return int(rank)


def join_hub(plug: socket.socket, token: bytes, rank: int, restart: int) -> bool:
    """Prove the token to the hub, and check the hub's proof; False for another server."""
    try:
        plug.settimeout(HANDSHAKE_SECONDS)
        greeting = bytes(read_exactly(plug, len(_MAGIC) + _NONCE))
        if greeting[: len(_MAGIC)] != _MAGIC:
            return False
        theirs, mine = greeting[len(_MAGIC) :], os.urandom(_NONCE)
        who = _RANK.pack(rank, restart)
        plug.sendall(mine + who + _proof(token, b"member", theirs, mine, who))
        proof = bytes(read_exactly(plug, _PROOF))
        plug.settimeout(None)
    except OSError:
        return False
    return hmac.compare_digest(proof, _proof(token, b"hub", mine, theirs, who))


def _proof(token: bytes, side: bytes, asked: bytes, drawn: bytes, who: bytes) -> bytes:
    return hmac.new(token, b"|".join((side, asked, drawn, who)), "sha256").digest()
