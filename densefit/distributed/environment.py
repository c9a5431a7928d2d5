"""Environment variables of a rank, as `densefit launch` and torchrun set them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass

from densefit.errors import ConfigError

#: Address of the control channel, "host:port", and the secret of its members.
CONTROL, TOKEN = "DENSEFIT_CONTROL", "DENSEFIT_TOKEN"  # noqa: S105 - names of variables
#: How often the launcher has started the ranks again, and its process.
RESTART, LAUNCHER = "DENSEFIT_RESTART", "DENSEFIT_LAUNCHER"
#: Folder of the launcher on each machine, which it removes.
FOLDER = "DENSEFIT_LAUNCH_FOLDER"
#: Seconds that a collective may take, that a rank may be silent, and that joining may take.
COLLECTIVE_SECONDS, SILENT_SECONDS, JOIN_SECONDS = (
    "DENSEFIT_COLLECTIVE_SECONDS",
    "DENSEFIT_SILENT_SECONDS",
    "DENSEFIT_JOIN_SECONDS",
)
#: Exit status of a rank that ends because another one has failed.
LOST_PEER = 76
_PORTS = 16  # ports above MASTER_PORT that are tried where no launcher of ours chose one


@dataclass(frozen=True)
class RankSettings:
    """Place of a process among the ranks, and how it reaches them.

    Attributes:
        rank: number of the process, from 0.
        size: number of processes.
        local_rank: number of the process on its machine.
        host: host of rank 0.
        ports: ports of the control channel, the first free one of which rank 0 takes.
        token: secret of the channel's members.
        restart: how often the ranks were started again.
        launcher: process that started this one, and without which it ends; 0 for none.
        folder: folder of the launcher on this machine; empty for none.
        collective_seconds: longest time that ranks wait for one another.
        silent_seconds: longest time without a heartbeat.
        join_seconds: longest time until all ranks have joined.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    host: str = "127.0.0.1"
    ports: tuple[int, ...] = ()
    token: bytes = b""
    restart: int = 0
    launcher: int = 0
    folder: str = ""
    collective_seconds: float = 1800.0
    silent_seconds: float = 60.0
    join_seconds: float = 300.0


def settings_of(environment: Mapping[str, str] = os.environ) -> RankSettings:
    """Read a process's rank from its environment; one of one where nothing was launched.

    Raises:
        ConfigError: a variable is missing, or is no number in range.
    """
    if "RANK" not in environment or "WORLD_SIZE" not in environment:
        restart = _whole(environment, RESTART, 0, 0)
        return RankSettings(restart=restart, folder=environment.get(FOLDER, ""))
    size = _whole(environment, "WORLD_SIZE", 1)
    rank = _whole(environment, "RANK", 0)
    if rank >= size:
        raise ConfigError(
            "A rank is out of range",
            expected=f"RANK from 0 to {size - 1}, as WORLD_SIZE is {size}",
            received=f"RANK={rank}",
            where="environment variables",
            fix="start the ranks with `densefit launch` or torchrun",
        )
    host, ports = _address(environment) if size > 1 else ("127.0.0.1", ())
    return RankSettings(
        rank=rank,
        size=size,
        local_rank=_whole(environment, "LOCAL_RANK", 0, rank),
        host=host,
        ports=ports,
        token=_token(environment),
        restart=_whole(environment, RESTART, 0, 0),
        launcher=_whole(environment, LAUNCHER, 0, 0),
        folder=environment.get(FOLDER, ""),
        collective_seconds=_seconds(environment, COLLECTIVE_SECONDS, 1800.0),
        silent_seconds=_seconds(environment, SILENT_SECONDS, 60.0),
        join_seconds=_seconds(environment, JOIN_SECONDS, 300.0),
    )


def split_address(address: str, where: str) -> tuple[str, int]:
    """Split "host:port".

    Raises:
        ConfigError: it has another form.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 2**16:
        raise ConfigError(
            "An address has another form", expected="host:port", received=address, where=where
        )
    return host, int(port)


def _address(environment: Mapping[str, str]) -> tuple[str, tuple[int, ...]]:
    """(host, ports) of the control channel: the launcher's, or ports above torchrun's."""
    if CONTROL in environment:
        host, port = split_address(environment[CONTROL], CONTROL)
        return host, (port,)
    if "MASTER_ADDR" not in environment or "MASTER_PORT" not in environment:
        raise ConfigError(
            "The address of rank 0 is not known",
            expected=f"{CONTROL}, or MASTER_ADDR and MASTER_PORT",
            where="environment variables",
            fix="start the ranks with `densefit launch` or torchrun",
        )
    first = _whole(environment, "MASTER_PORT", 1) + 1
    return environment["MASTER_ADDR"], tuple(range(first, min(first + _PORTS, 2**16)))


def _token(environment: Mapping[str, str]) -> bytes:
    """Secret of the ranks; without a launcher of ours it only tells trainings apart."""
    if TOKEN in environment:
        return environment[TOKEN].encode()
    names = ("MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE", "TORCHELASTIC_RUN_ID")
    text = "\n".join(environment.get(name, "") for name in names)
    return hashlib.sha256(text.encode()).hexdigest().encode()


def _whole(
    environment: Mapping[str, str], name: str, least: int, default: int | None = None
) -> int:
    text = environment.get(name, "" if default is None else str(default))
    if not text.isdigit() or int(text) < least:
        raise ConfigError(
            f"The environment variable {name} is no number in range",
            expected=f"a whole number of {least} or more",
            received=repr(text),
        )
    return int(text)


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name, str(default))
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0.0 < seconds < float("inf"):
        raise ConfigError(
            f"The environment variable {name} is no time",
            expected="seconds above 0",
            received=repr(text),
        )
    return seconds
