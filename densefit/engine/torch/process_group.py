"""PyTorch's process group of the ranks: gloo on CPUs, NCCL on GPUs."""

from __future__ import annotations

import atexit
import datetime
import os
import shutil
import socket
import sys
import tempfile
from typing import Any

import torch
import torch.distributed as dist

from densefit.distributed import World

_INTERFACE = "GLOO_SOCKET_IFNAME"


def join_group(world: World, device: torch.device) -> None:
    """Join the process group of all ranks; a group that the program has made is used.

    On one machine the ranks meet in a file, and gloo listens on the loopback interface; otherwise
    they meet at MASTER_ADDR and MASTER_PORT, as under torchrun.

    Args:
        world: the ranks.
        device: device of this rank; for "cuda" without a number, that of its local rank is chosen.
    """
    if device.type == "cuda" and device.index is None:
        torch.cuda.set_device(world.local_rank)
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
