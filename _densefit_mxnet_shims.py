"""Make `import mxnet` work on numpy 1.24 and later and on Python 3.12, whoever imports it.

MXNet 1.9.1 reads the alias `numpy.bool` and imports distutils; neither exists any more. The file
`_densefit_mxnet_shims.pth` in the same folder calls `install` at the start of each Python process
of an environment that has densefit, so a program may import mxnet before densefit.

Most of these processes use neither. This module therefore lies outside the package, imports nothing
but `sys`, and acts only when mxnet is imported.
"""

import sys

TYPE_CHECKING = False  # typing.TYPE_CHECKING, without the import: typing takes milliseconds
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any


def apply_shims() -> None:
    """Run densefit/shims.py: the file alone, as `import densefit` imports much and mxnet too."""
    import importlib.util
    import os

    package = importlib.util.find_spec("densefit")
    if package is None or package.origin is None:
        return
    path = os.path.join(os.path.dirname(package.origin), "shims.py")
    spec = importlib.util.spec_from_file_location("_densefit_shims", path)
    if spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for shim in (module.shim_numpy, module.shim_distutils):
        try:
            shim()
        except ImportError:  # mxnet's own import reports what is missing
            pass


class MXNetFinder:
    """Finder on `sys.meta_path` that applies the shims when mxnet is executed.

    Looking for mxnet, as `importlib.util.find_spec` does, changes nothing yet.
    """

    def find_spec(
        self,
        name: str,
        path: "Sequence[str] | None" = None,
        target: "ModuleType | None" = None,
    ) -> "ModuleSpec | None":
        """Return the other finders' spec of mxnet, with the shims in its loader."""
        if name != "mxnet":
            return None
        for finder in list(sys.meta_path):
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    self._shim_before_exec(spec.loader)
                return spec
        return None

    def _shim_before_exec(self, loader: "Any") -> None:
        # A loader of a class of our own would have to stand in for all that mxnet's loader can do
        # (resources, source, pickling of specs). An attribute of the instance hides one method.
        exec_module: Callable[[ModuleType], None] = loader.exec_module

        def exec_with_shims(module: "ModuleType") -> None:
            loader.__dict__.pop("exec_module", None)
            self._retire()
            try:
                apply_shims()
            except Exception:  # mxnet is imported as without densefit
                pass
            exec_module(module)

        try:
            loader.exec_module = exec_with_shims
        except AttributeError:  # a loader with slots: mxnet is imported as without densefit
            pass

    def _retire(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)  # type: ignore[arg-type]


def install() -> None:
    """Put one finder on `sys.meta_path`, unless mxnet is imported already."""
    if "mxnet" in sys.modules or any(isinstance(f, MXNetFinder) for f in sys.meta_path):
        return
    sys.meta_path.insert(0, MXNetFinder())  # type: ignore[arg-type]
