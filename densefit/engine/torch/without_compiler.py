"""Compute meta tensors without importing PyTorch's compiler."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

COMPILER = "torch._dynamo"


@contextmanager
def without_compiler() -> Iterator[None]:
    """Within it, PyTorch's operators on meta tensors do not import its compiler.

    Most of them are Python functions that the compiler is to leave out: PyTorch imports it at the
    first call to mark them, which takes 2 s of a training's start. Nothing is compiled here, so
    they are called as they are; afterwards all is as it was. An operator that needs more of the
    compiler imports it.
    """
    if COMPILER in sys.modules:
        yield
        return
    marked: list[Any] = []

    def disable(function: Callable[..., Any], *_: Any, **__: Any) -> Callable[..., Any]:
        marked.append(function)
        return function

    def imported(name: str) -> Any:
        sys.modules.pop(COMPILER, None)
        return getattr(import_module(COMPILER), name)

    stand_in: Any = ModuleType(COMPILER)
    stand_in.disable, stand_in.__getattr__ = disable, imported
    sys.modules[COMPILER] = stand_in
    try:
        yield
    finally:
        if sys.modules.get(COMPILER) is stand_in:
            del sys.modules[COMPILER]
        for function in marked:
            vars(function).pop("__dynamo_disable", None)  # PyTorch's cache of the mark
