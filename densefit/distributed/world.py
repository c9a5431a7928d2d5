"""The ranks of a launched program: their number, and host collectives between them."""

from __future__ import annotations

import atexit
import os
import re
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from densefit.distributed.environment import LOST_PEER, RankSettings, settings_of
from densefit.distributed.hub import Hub
from densefit.distributed.lone_rank import follow_launcher
from densefit.distributed.member import Member
from densefit.errors import DistributedError

_EXPLAINING_SECONDS = 5.0
_LEAVING_SECONDS = 10.0  # rank 0 waits for the goodbyes of the others


class World:
    """Processes that train or score together; a single one where nothing was launched.

    Collectives are called by all ranks, in the same order and with the same name; a rank that
    calls another one ends all of them with an error that says who waits where.

    Args:
        settings: place of this process; by default a single one.

    Attributes:
        rank: number of this process, from 0.
        size: number of processes.
        local_rank: number of this process on its machine.
        host: address of rank 0's machine.
        local_host: address of this machine, as rank 0 reaches it.
        restart: how often the launcher has started the ranks again.
        seconds: longest time that a collective may take.
    """

    def __init__(self, settings: RankSettings | None = None) -> None:
        settings = settings or RankSettings()
        self.rank, self.size = settings.rank, settings.size
        self.local_rank, self.restart = settings.local_rank, settings.restart
        self.host, self.seconds = settings.host, settings.collective_seconds
        self._hub = Hub(settings) if self.size > 1 and self.rank == 0 else None
        self._member = Member(settings) if self.size > 1 else None
        self.local_host = "127.0.0.1" if self._member is None else self._member.local_host
        self._exit_status = 1
        self.barrier("joining")

    @property
    def is_first(self) -> bool:
        """Whether this is rank 0, which writes checkpoints and logs."""
        return self.rank == 0

    @property
    def is_shared(self) -> bool:
        """Whether there are several ranks."""
        return self.size > 1

    @property
    def has_failed(self) -> bool:
        """Whether a rank is known to have failed, this one included."""
        return self._member is not None and self._member.has_failed

    @property
    def exit_status(self) -> int:
        """Exit status of this rank after a failure: its own, or LOST_PEER after another rank's."""
        has_told = self._member is not None and self._member.has_told_failure
        return self._exit_status if has_told else LOST_PEER

    def explained(self, error: BaseException) -> DistributedError:
        """The failure of a rank that made a library raise `error` in this one.

        Args:
            error: error of a collective of a library, which does not say which rank has died.
        """
        end = time.monotonic() + _EXPLAINING_SECONDS
        while not self.has_failed and time.monotonic() < end:
            time.sleep(0.05)
        failure = None if self._member is None else self._member.failure
        return DistributedError(
            failure or "A collective of the ranks has failed",
            received=_cause(error),
            where=f"rank {self.rank} of {self.size}",
        )

    def all_gather(self, name: str, value: Any) -> list[Any]:
        """Return the values of all ranks, in their order; see `frames` for what can be sent."""
        if self._member is None:
            return [value]
        return self._member.call(name, value) or []

    def gather(self, name: str, value: Any) -> list[Any] | None:
        """Return the values of all ranks on rank 0, None on others."""
        return [value] if self._member is None else self._member.call(name, value, to="first")

    def broadcast(self, name: str, value: Any = None) -> Any:
        """Return rank 0's value; the values of others are not used."""
        if self._member is None:
            return value
        return self.all_gather(name, value if self.is_first else None)[0]

    def barrier(self, name: str) -> None:
        """Wait until all ranks are here."""
        self.all_gather(name, None)

    def fail(self, error: BaseException) -> None:
        """Tell the other ranks of an error that ends this one."""
        if isinstance(error, SystemExit):
            self._exit_status = error.code if isinstance(error.code, int) else int(bool(error.code))
        if self._member is not None:
            self._member.fail(f"{type(error).__name__}: {error}")

    def leave(self) -> None:
        """Say goodbye; rank 0 waits for the others' goodbyes."""
        if self._member is not None:
            self._member.leave()
        if self._hub is not None:
            self._hub.close(_LEAVING_SECONDS)


_lock = threading.Lock()
_world: tuple[int, World] | None = None  # of this process, by its id
_alone = False


def world() -> World:
    """Return the world of this process; the first call joins it, see `densefit launch`.

    Raises:
        ConfigError: the environment variables of the rank contradict each other.
        DistributedError: rank 0 cannot be reached.
    """
    global _world
    with _lock:
        if _alone:
            return World()
        if _world is None or _world[0] != os.getpid():
            settings = settings_of()
            joined = World(settings)
            if joined.is_shared:
                _tell_the_end(joined)
            else:
                follow_launcher(settings)
            _world = (os.getpid(), joined)
        return _world[1]


@contextmanager
def alone() -> Iterator[None]:
    """Let `world` be this process alone within the block: what it computes is no collective."""
    global _alone
    before, _alone = _alone, True
    try:
        yield
    finally:
        _alone = before


def _tell_the_end(joined: World) -> None:
    """Tell the other ranks how this process ends: with an error, or in peace."""
    before = sys.excepthook

    def report(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        joined.fail(error)
        if not isinstance(error, DistributedError):
            before(kind, error, trace)
            return
        # Past other hooks, which may collect what is printed for later (PyTorch's does), and at
        # once, for libraries would wait for the dead rank.
        traceback.print_exception(kind, error, trace, file=sys.__stderr__)
        sys.stdout.flush()
        os._exit(LOST_PEER)

    sys.excepthook = report
    atexit.register(joined.leave)


def _cause(error: BaseException) -> str:
    """What a library's error says: its first line, without the place in its source.

    >>> _cause(RuntimeError("[../gloo/transport/tcp/pair.cc:537] Connection closed by peer"))
    'Connection closed by peer'
    >>> _cause(RuntimeError())
    'RuntimeError'
    """
    first = next(iter(str(error).strip().splitlines()), "")
    first = re.sub(r"^\[[^\]]*\.(?:cc|cpp|cu|h):\d+\] *", "", first)
    return first.split(". This is typically")[0] or type(error).__name__
