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
    from typing import Any, Optional


def shim_numpy() -> None:
    """Define `numpy.bool` where numpy lacks it: from 1.24 to 1.26."""
    import warnings

    import numpy

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # looking the name up warns of its future meaning
        is_missing = not hasattr(numpy, "bool")
    if is_missing:
        numpy.bool = numpy.bool_  # type: ignore[attr-defined]


def shim_distutils() -> None:
    """Import setuptools on Python 3.12 and later: setuptools brings a copy of distutils."""
    if sys.version_info >= (3, 12):
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import setuptools  # noqa: F401


class MXNetFinder:
    """Finder on `sys.meta_path` that applies both shims when mxnet is executed.

    Looking for mxnet, as `importlib.util.find_spec` does, changes nothing yet.
    """

    def find_spec(
        self,
        name: str,
        path: "Optional[Sequence[str]]" = None,
        target: "Optional[ModuleType]" = None,
    ) -> "Optional[ModuleSpec]":
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
            for shim in (shim_numpy, shim_distutils):
                try:
                    shim()
                except Exception:  # noqa: S110  # what is missing, mxnet's own import reports
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
