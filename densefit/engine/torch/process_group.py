"""PyTorch's process group of the ranks: gloo on CPUs, NCCL on GPUs."""

from __future__ import annotations

import atexit
import datetime
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist

from densefit.distributed import World
from densefit.errors import ConfigError

_INTERFACE = "GLOO_SOCKET_IFNAME"


def join_group(world: World, device: torch.device) -> None:
    """Join the process group of all ranks; a group that the program has made is used.

    On one machine the ranks meet in a file, and gloo listens on the loopback interface; otherwise
    they meet at MASTER_ADDR and MASTER_PORT, as under torchrun.

    Args:
        world: the ranks.
        device: device of this rank.

    Raises:
        ConfigError: ranks compute on one GPU, or some on GPUs and others on CPUs.
    """
    check_devices(world.all_gather("devices", [world.local_host, str(device)]))
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if dist.is_initialized():
        return
    settings: dict[str, Any] = {
        "backend": "nccl" if device.type == "cuda" else "gloo",
        "rank": world.rank,
        "world_size": world.size,
        "timeout": datetime.timedelta(seconds=world.seconds),
    }
    folder = None
    if is_loopback(world.host):
        folder = world.broadcast("folder of the process group", _folder(world))
        settings["store"] = dist.FileStore(  # type: ignore[attr-defined]
            os.path.join(folder, "store"), world.size
        )
        _use_loopback()
    else:
        settings["init_method"] = "env://"
    excepthook = sys.excepthook
    dist.init_process_group(**settings)
    sys.excepthook = excepthook  # PyTorch's writes the rank before each line, as the launcher does
    atexit.register(_leave, world)
    if folder is not None:
        _remove(folder, world, settings["backend"])


def check_devices(devices: Sequence[Sequence[str]]) -> None:
    """Raise ConfigError for ranks that cannot sum their gradients on their devices.

    Args:
        devices: (address of the machine, name of the device) of each rank.
    """
    kinds = {device.partition(":")[0] for _, device in devices}
    gpus = [(host, device) for host, device in devices if device.startswith("cuda")]
    if len(kinds) > 1 or len(set(gpus)) < len(gpus):
        raise ConfigError(
            "The ranks cannot share these devices",
            expected="the CPU on all ranks, or a GPU for each",
            received=", ".join(f"rank {r}: {device}" for r, (_, device) in enumerate(devices)),
            fix="devices=['cuda'] (--devices cuda) is another GPU for each rank of a machine",
        )


def _remove(folder: str, world: World, backend: str) -> None:
    """Remove the file in which the ranks met: now, since a rank that is killed cannot.

    NCCL reads it later, too.
    """
    if backend == "gloo":
        world.barrier("process group")
        if world.is_first:
            shutil.rmtree(folder, ignore_errors=True)
    elif world.is_first:
        atexit.register(shutil.rmtree, folder, ignore_errors=True)


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    return host in ("localhost", "::1") or host.startswith("127.")


def _folder(world: World) -> str | None:
    return tempfile.mkdtemp(prefix="densefit-ranks-") if world.is_first else None


def _use_loopback() -> None:
    """Let gloo listen on the loopback interface alone, unless the user chose another one."""
    names = [name for _, name in socket.if_nameindex()] if hasattr(socket, "if_nameindex") else []
    loopback = next((name for name in names if name.startswith("lo")), None)
    if loopback is not None:
        os.environ.setdefault(_INTERFACE, loopback)


def _leave(world: World) -> None:
    if dist.is_initialized() and not world.has_failed:
        dist.destroy_process_group()
