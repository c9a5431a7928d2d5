"""Build densefit by setuptools, and add `_densefit_mxnet_shims.pth` to what it builds.

Python reads a `.pth` file at its start if the file lies directly in site-packages. setuptools has
no setting that puts one there: not `data-files`, which go to the prefix, and nothing at all for
`pip install --editable`. Both kinds of installation unpack a wheel, and a wheel's format is a
standard, so the file is added to the finished wheel.
"""

from __future__ import annotations

import base64
import hashlib
import os
import zipfile
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import (  # noqa: F401  # the hooks that stay setuptools' own
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

PTH = "_densefit_mxnet_shims.pth"


def build_wheel(wheel_directory: str, *arguments: Any, **settings: Any) -> str:
    """Build the wheel of `pip install .`; return its file name."""
    name = build_meta.build_wheel(wheel_directory, *arguments, **settings)
    add_pth(os.path.join(wheel_directory, name))
    return name


def build_editable(wheel_directory: str, *arguments: Any, **settings: Any) -> str:
    """Build the wheel of `pip install --editable .`; return its file name."""
    name = build_meta.build_editable(wheel_directory, *arguments, **settings)
    add_pth(os.path.join(wheel_directory, name))
    return name


def add_pth(wheel: str) -> None:
    """Write `PTH` into a wheel, and into its RECORD, by which `pip uninstall` removes it."""
    with open(PTH, "rb") as file:
        content = file.read()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    line = f"{PTH},sha256={digest},{len(content)}\n".encode()
    partial = wheel + ".partial"
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(partial, "w") as target:
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename.endswith(".dist-info/RECORD"):
                pth = zipfile.ZipInfo(PTH, entry.date_time)
                pth.external_attr = entry.external_attr
                target.writestr(pth, content, zipfile.ZIP_DEFLATED)
                data = line + data
            target.writestr(entry, data, entry.compress_type)
    os.replace(partial, wheel)
