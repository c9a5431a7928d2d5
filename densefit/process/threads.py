"""Number of operator threads, if mxnet was imported before densefit could set it.

MXNet uses half of the CPUs (it assumes hyper-threads) unless OMP_NUM_THREADS is set when it is
imported. Later the number can be changed for the engine's threads only: OpenMP has a count for
each thread.
"""

from __future__ import annotations

import ctypes
import logging
import os
from typing import Any

_log = logging.getLogger("densefit")

_CPU = 1  # Context::kCPU


class _Context(ctypes.Structure):
    _fields_ = [("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32)]


_Operator = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)


def set_operator_threads(mx: Any, count: int) -> None:
    """Run the operators on mx.cpu() with `count` threads, and warn about exceptions.

    Affects oneDNN's operators, matrix products and most of MXNet's operators. Elementwise ones
    with a fixed count (sgd_update) keep it, and so do layers that were computed before with the
    same shapes. Forks stop MXNet's threads, so the count is set again after each `os.fork`.

    Args:
        mx: the module mxnet, imported without OMP_NUM_THREADS.
        count: number of threads an operator.
    """
    try:
        _set_in_engine(mx, count)
    except (AttributeError, OSError, mx.base.MXNetError) as error:
        _log.warning(
            "MXNet computes on half of the CPUs: it was imported before densefit, and its number "
            "of threads cannot be changed (%s). Start as: OMP_NUM_THREADS=%d python ...",
            error,
            count,
        )
        return
    if count > 1:
        _log.warning(
            "MXNet was imported before densefit: its elementwise operators, such as the updates of "
            "an optimizer, compute on half of the %d CPUs. Import densefit first, or start as: "
            "OMP_NUM_THREADS=%d python ...",
            count,
            count,
        )
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_parent=lambda: _set_in_engine(mx, count))


def _set_in_engine(mx: Any, count: int) -> None:
    """Set OpenMP's count in the thread that runs MXNet's operators on the CPU."""
    library = mx.base._LIB
    written = mx.nd.zeros(1)

    def set_count(run_context: int, parameter: int) -> None:
        library.MXSetNumOMPThreads(ctypes.c_int(count))

    operator = _Operator(set_count)
    handles = (ctypes.c_void_p * 1)(written.handle)
    mx.base.check_call(
        library.MXEnginePushSyncND(
            operator, None, None, ctypes.byref(_Context(_CPU, 0)),
            None, 0, handles, 1, None, 0, b"set_operator_threads",
        )
    )  # fmt: skip
    # MXNet waits for its threads in a fork. A thread that still needs the GIL would never end.
    written.wait_to_read()
