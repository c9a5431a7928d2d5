"""CPUs and threads, memory, shared memory, disks."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from densefit.process.cpus import available_cpus
from densefit.tools.diagnosis.finding import NOTE, PROBLEM, Finding, size_text

_LEAST_MEMORY = 2 << 30
_LEAST_SHARED = 256 << 20
_FEW_BYTES, _LEAST_BYTES = 5 << 30, 256 << 20


def threads(environment: Mapping[str, str] | None = None, cpus: int | None = None) -> Finding:
    """CPUs that the process may use, and the number of threads that engines start.

    Args:
        environment: the environment of the process.
        cpus: CPUs that it may use, by affinity and the container's quota.
    """
    environment = os.environ if environment is None else environment
    cpus = available_cpus() if cpus is None else cpus
    installed = os.cpu_count() or cpus
    text = f"{cpus} of {installed}" if cpus != installed else str(cpus)
    text += " (affinity or the container's quota)" if cpus != installed else ""
    stated = environment.get("OMP_NUM_THREADS")
    facts = {"cpus": cpus, "machine": installed, "OMP_NUM_THREADS": stated}
    if stated is not None:
        text += f", OMP_NUM_THREADS {stated}"
        count = int(stated) if stated.isascii() and stated.isdigit() else 0
        if count > cpus:
            fix = f"unset OMP_NUM_THREADS, or set it to {cpus}: threads without a CPU wait"
            return Finding("CPUs", text, NOTE, fix, facts)
        if 0 < count < cpus:
            fix = f"unset OMP_NUM_THREADS, or set it to {cpus}: {cpus - count} CPUs stand idle"
            return Finding("CPUs", text, NOTE, fix, facts)
    return Finding("CPUs", text, facts=facts)


def memory(path: Path = Path("/proc/meminfo"), cgroup: Path = Path("/sys/fs/cgroup")) -> Finding:
    """Memory that is available, and the container's limit.

    Args:
        path: the kernel's numbers.
        cgroup: folder of the process's cgroup.
    """
    numbers = {}
    try:
        for line in path.read_text().splitlines():
            name, _, rest = line.partition(":")
            numbers[name] = int(rest.split()[0]) * 1024
        total, free = numbers["MemTotal"], numbers["MemAvailable"]
    except (OSError, KeyError, ValueError, IndexError):
        return Finding("Memory", "unknown")
    limit = _limit(cgroup, total)
    text = f"{size_text(free)} available of {size_text(total)}"
    text += f", the container may use {size_text(limit)}" if limit < total else ""
    facts = {"total": total, "available": free, "limit": limit}
    if min(free, limit) < _LEAST_MEMORY:
        fix = "smaller batches (--training.batch_size), a smaller --input_size, fewer workers"
        return Finding("Memory", text, NOTE, fix, facts)
    return Finding("Memory", text, facts=facts)


def shared_memory(folder: Path = Path("/dev/shm")) -> Finding | None:  # noqa: S108
    """Memory that worker processes hand samples over in; None where there is no such folder."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return None
    facts = {"free": free}
    if free >= _LEAST_SHARED:
        return Finding("Shared memory", f"{size_text(free)} in {folder}", facts=facts)
    fix = "docker run --shm-size=2g, or data.worker_kind: threads (the default)"
    return Finding("Shared memory", f"{size_text(free)} in {folder}", NOTE, fix, facts)


def disks(folders: Mapping[str, Path] | None = None) -> Iterator[Finding]:
    """Free bytes where files are written, and whether they can be.

    Args:
        folders: name -> folder.
    """
    if folders is None:
        folders = {"here": Path.cwd(), "temporary": Path(tempfile.gettempdir())}
    seen: set[int] = set()
    for name, folder in folders.items():
        try:
            device, free = os.stat(folder).st_dev, shutil.disk_usage(folder).free
        except OSError as error:
            yield Finding("Disk", f"{name}, {folder}: {error.strerror}", PROBLEM, "another folder")
            continue
        text, facts = f"{size_text(free)} free {name} ({folder})", {"folder": str(folder)}
        if not os.access(folder, os.W_OK | os.X_OK):
            yield Finding("Disk", f"{text}, not writable", NOTE, "--out a folder elsewhere", facts)
        elif free < _FEW_BYTES:
            status = PROBLEM if free < _LEAST_BYTES else NOTE
            fix = "free some: a checkpoint is written beside the one that it replaces"
            yield Finding("Disk", text, status, fix, facts)
        elif device not in seen:
            yield Finding("Disk", text, facts=facts)
        seen.add(device)


def _limit(cgroup: Path, total: int) -> int:
    """The memory limit of the container, at most `total`."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            return min(total, int((cgroup / name).read_text()))
        except (OSError, ValueError):  # ValueError: "max"
            continue
    return total
