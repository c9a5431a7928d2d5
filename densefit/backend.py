"""The only import of mxnet in densefit: version check, shims, thread count, settings.

Everything in densefit that needs MXNet says `from densefit.backend import mx`. A program may have
imported mxnet before.
"""

from __future__ import annotations

import math
import os
import sys
import warnings
from pathlib import Path
from typing import Any

from densefit.errors import EngineError
from densefit.shims import shim_distutils, shim_numpy
from densefit.threads import set_operator_threads

REQUIRED = "1.9.1"
GRADIENT_SUM_CAP = "MXNET_EXEC_INPLACE_GRAD_SUM_CAP"


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


def _prepare_environment() -> None:
    """Settings that MXNet reads at its first import or first bind; the user's own win."""
    if "mxnet" not in sys.modules:
        os.environ.setdefault("OMP_NUM_THREADS", str(available_cpus()))
        # After each operator GNU's OpenMP threads spin for milliseconds, on the cores that workers
        # of a loader need. A shorter wait changes no time of an update, and takes a third off that
        # of loading.
        if "OMP_WAIT_POLICY" not in os.environ:
            os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    # oneDNN's operators are kept for every shape that was ever computed, by each kind of layer:
    # pictures of many sizes fill the memory. A network of one size has less than so many.
    os.environ.setdefault("MXNET_MKLDNN_CACHE_NUM", "256")
    # Fused inference executors keep the weights of their first forward: a validation during
    # training would score a network that no longer exists. The backend "default" fuses nothing,
    # as NONE does, and unlike NONE it does not write a notice to stderr at each bind.
    os.environ.setdefault("MXNET_SUBGRAPH_BACKEND", "default")
    os.environ.setdefault("MXNET_SUBGRAPH_VERBOSE", "0")
    # Where 8 or more gradients meet in one array (two DeepLabV3+ heads send a trunk 10), MXNet
    # adds each to what is there, and dozens of operators overwrite it instead: mean, clip, Crop,
    # MultiBoxPrior... Gradients are wrong, and nothing shows it. Added by one operator they are
    # right. Two such heads take as much time and memory; a weight that an unrolled network reads a
    # hundred times needs memory for a hundred gradients. Read at the first bind with gradients.
    os.environ.setdefault(GRADIENT_SUM_CAP, str(2**31 - 1))


def subgraph_fusion() -> bool:
    """Whether the user turned MXNet's fusion of inference graphs back on."""
    return os.environ.get("MXNET_SUBGRAPH_BACKEND", "") not in ("default", "NONE")


def _check_python() -> None:
    """Raise EngineError on Python 3.12 without setuptools."""
    try:
        shim_distutils()
    except ImportError as error:
        raise EngineError(
            "MXNet needs distutils, which Python 3.12 no longer has",
            fix="pip install setuptools",
        ) from error


def _check_numpy() -> None:
    """Raise EngineError on numpy 2; define `numpy.bool` on an older one."""
    import numpy

    if int(numpy.__version__.split(".")[0]) >= 2:
        raise EngineError(
            "MXNet 1.9.1 does not work with this numpy",
            expected="numpy >= 1.23, < 2",
            received=f"numpy {numpy.__version__}",
            fix="pip install 'numpy<2'",
        )
    shim_numpy()


def _import_mxnet() -> Any:
    counts_threads_itself = "mxnet" in sys.modules and "OMP_NUM_THREADS" not in os.environ
    _prepare_environment()
    _check_python()
    _check_numpy()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its use of deprecated aliases is not the user's
            import mxnet
    except (ImportError, OSError) as error:
        raise EngineError(
            f"MXNet cannot be imported: {error}",
            expected=f"mxnet {REQUIRED} (Linux x86-64 or macOS, Python 3.10 to 3.12)",
            received=f"Python {sys.version.split()[0]} on {sys.platform}",
            fix=f"pip install mxnet=={REQUIRED}",
        ) from error
    check_version(getattr(mxnet, "__version__", "unknown"))
    if counts_threads_itself:
        set_operator_threads(mxnet, available_cpus())
    return mxnet


def check_version(version: str) -> None:
    """Raise EngineError unless `version` is the MXNet that densefit is written for."""
    if version != REQUIRED:
        raise EngineError(
            "densefit works with one MXNet only: 1.9.1 is the last release with the Module API",
            expected=f"mxnet {REQUIRED}",
            received=f"mxnet {version}",
            fix=f"pip install mxnet=={REQUIRED}",
        )


mx = _import_mxnet()
