"""The built-in tasks, a folder each; `register_all` imports all of them.

A worker process that unpickles the heads of one task imports no other.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

__all__ = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)


def register_all() -> None:
    """Import every task, which registers its head; `load_plugins` of the registry calls this."""
    for name in __all__:
        importlib.import_module(f"{__name__}.{name}")


if not TYPE_CHECKING:  # which would take every attribute for one that exists

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return importlib.import_module(f"{__name__}.{name}")
