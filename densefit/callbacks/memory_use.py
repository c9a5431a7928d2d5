"""Memory use of this process, and the memory that is left."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from densefit.process.system_calls import peak_memory

_MIB = 2**20


def memory_in_use(devices: Mapping[int, tuple[int, int]] | None = None) -> dict[str, float]:
    """Measure the numbers of `Memory`, in MiB.

    Args:
        devices: GPU number -> (free, total) bytes.
    """
    numbers = {}
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        numbers["memory/host"] = pages * os.sysconf("SC_PAGE_SIZE") / _MIB
    except (OSError, AttributeError):  # macOS, Windows
        pass
    peak = peak_memory()
    if peak is not None:
        numbers["memory/host_peak"] = peak / _MIB
    free = host_free()
    if free is not None:
        numbers["memory/host_free"] = free / _MIB
    for index, (left, total) in (devices or {}).items():
        numbers[f"memory/gpu{index}"] = (total - left) / _MIB
        numbers[f"memory/gpu{index}_free"] = left / _MIB
    return numbers


def host_free(
    meminfo: Path = Path("/proc/meminfo"),
    mount: Path = Path("/sys/fs/cgroup"),
    membership: Path = Path("/proc/self/cgroup"),
) -> float | None:
    """Bytes that are free for this process, on the machine and in its cgroups.

    None if unknown. The system's file cache counts as free, as it can be dropped.
    """
    left = [1024.0 * value for key, value in _table(meminfo) if key == "MemAvailable:"]
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:  # number:controllers:path
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            root, names = mount, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            root = mount / "memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        folder = root  # a limit holds for all cgroups below it
        for part in path.split("/"):
            folder = folder / part
            left += _cgroup_left(folder, *names)
    return min(left) if left else None


def _cgroup_left(folder: Path, limit: str, usage: str, cache: str) -> list[float]:
    try:
        most = float((folder / limit).read_text())
        used = float((folder / usage).read_text())
    except (OSError, ValueError):  # no such cgroup here, or "max": no limit
        return []
    cached = sum(value for key, value in _table(folder / "memory.stat") if key == cache)
    return [max(0.0, most - used + cached)]


def _table(path: Path) -> list[tuple[str, float]]:
    """Read the lines "name number" of a system file; empty if there is no such file."""
    try:
        rows = [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return []
    return [(row[0], float(row[1])) for row in rows if len(row) >= 2 and row[1].isdigit()]
