"""Devices of ONNX Runtime: its execution providers, and its number of threads."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from densefit.errors import ConfigError
from densefit.process.cpus import available_cpus

_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


def providers_of(
    devices: Sequence[Any] | None, available: Sequence[str]
) -> list[tuple[str, dict[str, Any]]]:
    """Execution providers for the devices of `score` and `predict`, with their settings.

    >>> providers_of(["cuda:1"], ["CUDAExecutionProvider", "CPUExecutionProvider"])
    [('CUDAExecutionProvider', {'device_id': 1}), ('CPUExecutionProvider', {})]

    Args:
        devices: "cpu", "cuda:0", the name of a provider, an MXNet context or a torch device; the
            CPU by default.
        available: providers of the installed ONNX Runtime.

    Raises:
        ConfigError: several devices, an unknown one, or one that this ONNX Runtime lacks.
    """
    if devices is None or len(devices) == 0:
        return [(_CPU, {})]
    if len(devices) > 1:
        raise ConfigError(
            "An exported model runs on one device",
            expected='a list of one, e.g. devices=["cpu"] or ["cuda:0"]',
            received=list(map(_name, devices)),
        )
    name = _name(devices[0])
    match = re.fullmatch(r"(cpu|cuda|gpu)(?::(\d+)|\((\d+)\))?", name)
    provider, settings = name, {}
    if match is not None:
        provider = _CPU if match[1] == "cpu" else _CUDA
        settings = {} if match[1] == "cpu" else {"device_id": int(match[2] or match[3] or 0)}
    if provider not in available:
        raise ConfigError(
            f"ONNX Runtime cannot compute on the device {name!r}",
            expected=f"cpu, or one of its providers: {', '.join(available)}",
            received=name,
            fix="leave the devices out: the CPU is the default"
            + (
                "; for an NVIDIA GPU pip uninstall onnxruntime, pip install onnxruntime-gpu"
                if provider == _CUDA
                else ""
            ),
        )
    return [(provider, settings)] if provider == _CPU else [(provider, settings), (_CPU, {})]


def as_devices(devices: Sequence[Any] | None) -> list[Any] | None:
    """Return devices as a list; `providers_of` checks them against what is installed."""
    return [devices] if isinstance(devices, str) else None if devices is None else list(devices)


def device_memory() -> dict[int, tuple[int, int]]:
    """Return nothing: ONNX Runtime does not tell the memory of its devices."""
    return {}


def thread_count() -> int:
    """Threads of an operator: OMP_NUM_THREADS, as for the other engines, else the free CPUs."""
    text = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    return int(text) if text.isdigit() and int(text) > 0 else available_cpus()


def _name(device: Any) -> str:
    """`cuda:0` of a torch device, `gpu(0)` of an MXNet context, and names as they are."""
    return str(device).strip()
