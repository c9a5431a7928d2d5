"""Which engine computes: the caller's, the model's, the environment's, or the one installed."""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from densefit.errors import ConfigError, EngineError
from densefit.registry import nearest

#: Engine -> the package that it needs.
REQUIRED = {"mxnet": "mxnet", "torch": "torch", "onnx": "onnxruntime"}
TRAINING = ("mxnet", "torch")


def engine_name(name: str | None = None, model: Any = None) -> str:
    """Choose an engine.

    Args:
        name: "mxnet", "torch" or "onnx"; None for the default: the engine that `model` is made
            for, else the environment's DENSEFIT_ENGINE, else "mxnet" where MXNet is installed, else
            "torch".
        model: a Network or another model.

    Raises:
        ConfigError: an unknown name, or another engine than the model's.
        EngineError: no engine is installed.
    """
    only = getattr(model, "engine_name", None)
    if name and only and name != only:
        raise ConfigError(
            f"The model is computed by the engine {only!r} alone", received=f"engine={name!r}"
        )
    chosen = name or only or os.environ.get("DENSEFIT_ENGINE")
    if chosen:
        if chosen not in REQUIRED:
            raise ConfigError(
                f"Unknown engine {chosen!r}",
                expected=list(REQUIRED),
                where="engine="
                if name
                else "the setting engine (--engine)"
                if only
                else "the environment's DENSEFIT_ENGINE",
                fix=nearest(str(chosen), REQUIRED),
            )
        return str(chosen)
    reasons = []
    for candidate in TRAINING:
        if find_spec(REQUIRED[candidate]) is None:
            continue
        if candidate == "mxnet":
            try:
                import_module("densefit.backend")
            except EngineError as error:  # another numpy, say
                reasons.append(error)
                continue
        return candidate
    if reasons:
        raise reasons[0]
    raise EngineError(
        "No engine is installed that could compute the network",
        expected="MXNet or PyTorch",
        fix='pip install "densefit[mxnet]" (Linux, or macOS on Intel), or '
        'pip install "densefit[torch]"; to run an exported model, pip install "densefit[onnx]"',
    )


def engine_module(name: str) -> Any:
    """Import the package of an engine.

    Raises:
        EngineError: what the engine needs is not installed.
    """
    if find_spec(REQUIRED[name]) is None:
        raise EngineError(
            f"The engine {name!r} needs {REQUIRED[name]}, which is not installed",
            fix=f'pip install "densefit[{name}]"',
        )
    return import_module(f"densefit.engine.{name}")
