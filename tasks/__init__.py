"""The built-in tasks, a folder each; importing this package registers them all."""

import importlib
import pkgutil

__all__ = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)

for _name in __all__:
    importlib.import_module(f"{__name__}.{_name}")
