"""The only first import of mxnet: version check, numpy and Python 3.12 shims, thread count.

Everything in densefit that needs MXNet says `from densefit.backend import mx`. Importing this
module before anything else that imports mxnet matters: OpenMP reads its thread count once.
"""

from __future__ import annotations

import math
import os
import sys
import warnings
from pathlib import Path
from typing import Any

from densefit.errors import EngineError

REQUIRED = "1.9.1"


def available_cpus(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """CPUs that this process may really use: its affinity mask, cut by the cgroup's quota.

    MXNet alone starts one thread for every two CPUs (it assumes hyper-threads), and knows
    nothing of a container's quota.
    """
    try:
        cpus = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        cpus = os.cpu_count() or 1
    quota = _cgroup_quota(cgroup)
    return cpus if quota is None else max(1, min(cpus, math.ceil(quota)))


def _cgroup_quota(cgroup: Path) -> float | None:
    """CPUs granted by cgroup version 2 or 1; None if there is no limit."""
    try:
        limit, period = (cgroup / "cpu.max").read_text().split()[:2]
        return None if limit == "max" else float(limit) / float(period)
    except (OSError, ValueError):
        pass
    try:
        limit = (cgroup / "cpu" / "cpu.cfs_quota_us").read_text().strip()
        period = (cgroup / "cpu" / "cpu.cfs_period_us").read_text().strip()
        return None if int(limit) <= 0 else float(limit) / float(period)
    except (OSError, ValueError):
        return None


def _prepare_environment() -> None:
    """Settings that MXNet reads at its first import or first bind; the user's own win."""
    if "mxnet" not in sys.modules:
        os.environ.setdefault("OMP_NUM_THREADS", str(available_cpus()))
    # Fused inference executors keep the weights of their first forward: a validation during
    # training would score a network that no longer exists. The backend "default" fuses nothing,
    # as NONE does, and unlike NONE it does not write a notice to stderr at each bind.
    os.environ.setdefault("MXNET_SUBGRAPH_BACKEND", "default")
    os.environ.setdefault("MXNET_SUBGRAPH_VERBOSE", "0")


def subgraph_fusion() -> bool:
    """Whether the user turned MXNet's fusion of inference graphs back on."""
    return os.environ.get("MXNET_SUBGRAPH_BACKEND", "") not in ("default", "NONE")


def _shim_python() -> None:
    """Python 3.12 has no distutils; setuptools brings a copy, once imported."""
    if sys.version_info >= (3, 12):
        try:
            import setuptools  # noqa: F401
        except ImportError as error:
            raise EngineError(
                "MXNet needs distutils, which Python 3.12 no longer has",
                fix="pip install setuptools",
            ) from error


def _shim_numpy() -> None:
    """numpy 1.24 removed the alias `numpy.bool`, which MXNet 1.9.1 reads at import."""
    import numpy

    if int(numpy.__version__.split(".")[0]) >= 2:
        raise EngineError(
            "MXNet 1.9.1 does not work with this numpy",
            expected="numpy >= 1.23, < 2",
            received=f"numpy {numpy.__version__}",
            fix="pip install 'numpy<2'",
        )
    if "bool" not in numpy.__dict__:
        numpy.bool = numpy.bool_  # type: ignore[attr-defined]


def _import_mxnet() -> Any:
    _prepare_environment()
    _shim_python()
    _shim_numpy()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its use of deprecated aliases is not the user's
            import mxnet
    except (ImportError, OSError) as error:
        raise EngineError(
            f"MXNet cannot be imported: {error}",
            expected=f"mxnet {REQUIRED} (Linux x86-64 or macOS, Python 3.9 to 3.12)",
            received=f"Python {sys.version.split()[0]} on {sys.platform}",
            fix=f"pip install mxnet=={REQUIRED}",
        ) from error
    check_version(getattr(mxnet, "__version__", "unknown"))
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
