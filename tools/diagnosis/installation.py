"""Python, densefit and the packages that it needs."""

from __future__ import annotations

import importlib
import platform
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import densefit
from densefit.process.packages import PACKAGES
from densefit.tools.diagnosis.finding import NOTE, PROBLEM, Finding

_OLDEST = (3, 10)
_OPENCVS = (
    *("opencv-python", "opencv-python-headless"),
    *("opencv-contrib-python", "opencv-contrib-python-headless"),
)


def python() -> Finding:
    """densefit and Python; reads no package."""
    folder = str(Path(densefit.__file__).parent)
    text = (
        f"{platform.python_version()} ({sys.executable}), {platform.system()} {platform.machine()}"
    )
    facts = {"densefit": densefit.__version__, "folder": folder, "python": sys.version.split()[0]}
    facts["platform"] = platform.platform()
    if sys.version_info < _OLDEST:
        return Finding("Python", text, PROBLEM, "densefit needs Python 3.10 or later", facts)
    return Finding("Python", text, facts=facts)


def packages(import_module: Callable[[str], object] = importlib.import_module) -> Iterator[Finding]:
    """The packages that densefit depends on: whether they can be imported.

    Args:
        import_module: imports a module.
    """
    versions = {}
    for module, package in PACKAGES.items():
        name = package.partition("[")[0]
        try:
            import_module(module)
        except ModuleNotFoundError as error:
            yield Finding(name, str(error), PROBLEM, f'pip install "{package}"')
        except Exception as error:  # of a shared library, or of another numpy
            yield Finding(name, f"{type(error).__name__}: {error}", PROBLEM, _fix(module))
        else:
            versions[name] = installed(name) or "of unknown version"
    several = {name: number for name in _OPENCVS if (number := installed(name))}
    if len(several) > 1:
        listed = ", ".join(f"{name} {number}" for name, number in several.items())
        yield Finding(
            "OpenCV",
            f"{listed}: they overwrite each other's files",
            NOTE,
            f"pip uninstall {' '.join(several)}; pip install opencv-python-headless",
            dict(several),
        )
    first = [
        f"{name} {versions[name]}"
        for name in ("numpy", "opencv-python-headless")
        if name in versions
    ]
    text = f"{len(versions)} of {len(PACKAGES)} can be imported: {', '.join(first)} ..."
    yield Finding("Packages", text, facts=versions)


def installed(name: str) -> str | None:
    """Version of an installed package; None if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _fix(module: str) -> str:
    if module == "cv2":
        return (
            "pip uninstall opencv-python; pip install opencv-python-headless (it needs no libGL, "
            "which servers lack)"
        )
    return f"pip install --force-reinstall {PACKAGES[module].partition('[')[0]}"
