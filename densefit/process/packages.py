"""Packages that densefit needs, and the error of a missing one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from densefit.errors import MissingPackageError

#: Module -> the package that brings it, of densefit's dependencies (pyproject.toml).
PACKAGES = {
    "cv2": "opencv-python-headless",
    "jinja2": "jinja2",
    "jsonargparse": "jsonargparse[signatures]",
    "numpy": "numpy",
    "orjson": "orjson",
    "PIL": "pillow",
    "pycocotools": "pycocotools",
    "rich": "rich",
    "simplejpeg": "simplejpeg",
    "typing_extensions": "typing_extensions",
    "yaml": "pyyaml",
}


@contextmanager
def needed_packages() -> Iterator[None]:
    """Name the missing package, and how it is installed, if a dependency cannot be imported."""
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if isinstance(error, MissingPackageError) or name not in PACKAGES:
            raise
        package = PACKAGES[name].partition("[")[0]
        raise MissingPackageError(
            f"densefit needs the package {package}, which is not installed",
            received=str(error),
            fix=f'pip install "{PACKAGES[name]}"',
        ) from error
