"""The only import of mxnet in densefit: version check, shims, thread count, settings.

Everything in densefit that needs MXNet says `from densefit.backend import mx`. A program may have
imported mxnet before.
"""

from __future__ import annotations

import os
import sys
import warnings
from importlib.util import find_spec
from typing import Any

from densefit.errors import EngineError
from densefit.process.cpus import available_cpus
from densefit.process.environment import GRADIENT_SUM_CAP, prepare_environment
from densefit.process.threads import set_operator_threads
from densefit.shims import shim_distutils, shim_numpy

REQUIRED = "1.9.1"

__all__ = [
    "GRADIENT_SUM_CAP",
    "available_cpus",
    "check_version",
    "mx",
    "subgraph_fusion",
]


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
    if find_spec("mxnet") is None:
        raise EngineError(
            "MXNet is not installed",
            fix='pip install "densefit[mxnet]" (Linux, or macOS on Intel; Python 3.10 to 3.12), or '
            "use engine='torch'",
        )
    counts_threads_itself = "mxnet" in sys.modules and "OMP_NUM_THREADS" not in os.environ
    prepare_environment()
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
