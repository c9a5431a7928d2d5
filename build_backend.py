"""Build densefit by setuptools, and add `_densefit_mxnet_shims.pth` and `.py` to what it builds.

Python reads a `.pth` file at its start if the file lies directly in site-packages. setuptools has
no setting that puts one there: not `data-files`, which go to the prefix, and nothing at all for
`pip install --editable`. Both kinds of installation unpack a wheel, and a wheel's format is a
standard, so the files are added to the finished wheel. An editable one gets the module too.

The source holds links: densefit/tasks to tasks, and so on. From a .zip archive pip unpacks a link
as a file that holds the target's name. Such files are made links again before anything is built.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import zipfile
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import (  # noqa: F401  # the hooks that stay setuptools' own
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

LINKS = (
    "src/densefit",
    *(f"densefit/{folder}" for folder in ("tasks", "datasets", "tools", "configs")),
)
ADDED = ("_densefit_mxnet_shims.pth", "_densefit_mxnet_shims.py")


def build_sdist(sdist_directory: str, *arguments: Any) -> str:
    """Build the source distribution; return its file name."""
    restore_links()
    return build_meta.build_sdist(sdist_directory, *arguments)


def build_wheel(wheel_directory: str, *arguments: Any, **settings: Any) -> str:
    """Build the wheel of `pip install .`; return its file name."""
    restore_links()
    # setuptools copies the package there, and into a wheel all that lies there: also what an
    # earlier build copied and the package no longer has.
    shutil.rmtree(os.path.join("build", "lib"), ignore_errors=True)
    name = build_meta.build_wheel(wheel_directory, *arguments, **settings)
    add_files(os.path.join(wheel_directory, name))
    return name


def build_editable(wheel_directory: str, *arguments: Any, **settings: Any) -> str:
    """Build the wheel of `pip install --editable .`; return its file name."""
    restore_links()
    name = build_meta.build_editable(wheel_directory, *arguments, **settings)
    add_files(os.path.join(wheel_directory, name))
    return name


def restore_links() -> None:
    """Make links of the files in place of `LINKS` that hold a target's name."""
    for link in LINKS:
        if os.path.isfile(link):
            with open(link, encoding="utf-8") as file:
                target = file.read()
            os.remove(link)
            os.symlink(target, link)


def add_files(wheel: str) -> None:
    """Write `ADDED` into a wheel, and into its RECORD, by which `pip uninstall` removes them."""
    partial = wheel + ".partial"
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(partial, "w") as target:
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename.endswith(".dist-info/RECORD"):
                for name in ADDED:
                    with open(name, "rb") as file:
                        content = file.read()
                    added = zipfile.ZipInfo(name, entry.date_time)
                    added.external_attr = entry.external_attr
                    target.writestr(added, content, zipfile.ZIP_DEFLATED)
                    data = _record(name, content) + data
            target.writestr(entry, data, entry.compress_type)
    os.replace(partial, wheel)


def _record(name: str, content: bytes) -> bytes:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}\n".encode()
