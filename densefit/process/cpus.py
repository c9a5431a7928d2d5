"""CPUs that this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path


def available_cpus(
    mount: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")
) -> int:
    """CPUs that this process may really use: its affinity mask, cut by its cgroups' quotas.

    MXNet alone starts one thread for every two CPUs (it assumes hyper-threads), and knows
    nothing of a container's quota.

    Args:
        mount: where the cgroups are mounted.
        membership: says which of them the process is in.
    """
    try:
        cpus = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        cpus = os.cpu_count() or 1
    quota = _cgroup_quota(mount, membership)
    return cpus if quota is None else max(1, min(cpus, math.ceil(quota)))


def _cgroup_quota(mount: Path, membership: Path) -> float | None:
    """CPUs granted by cgroup version 2 or 1; None if there is no limit.

    A quota holds for all cgroups below it, so the least one on the way to the root counts.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        lines = []
    version_1 = [mount / "cpu", mount / "cpu,cpuacct"]
    folders = {mount, *version_1}
    for line in lines:  # number:controllers:path
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:  # version 2
            roots = [mount]
        else:
            roots = version_1 if "cpu" in controllers.split(",") else []
        for folder in roots:
            for part in path.split("/"):
                if part == "..":  # a cgroup outside of those that this container sees
                    break
                folder = folder / part
                folders.add(folder)
    quotas = [quota for quota in map(_quota_of, folders) if quota is not None]
    return min(quotas, default=None)


def _quota_of(folder: Path) -> float | None:
    """CPUs granted to one cgroup; None if it is not there or has no limit."""
    try:
        try:
            limit, period = (folder / "cpu.max").read_text().split()[:2]
        except FileNotFoundError:  # version 1
            limit = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        quota = float(limit) / float(period)
    except (OSError, ValueError, ZeroDivisionError):  # ValueError: "max"
        return None
    return quota if quota > 0 else None
