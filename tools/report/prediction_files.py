"""Names of the files that predictions are written to, and checks before writing."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from densefit.errors import ConfigError
from densefit.tools.formats.picture_files import Pictures


def failures(pictures: Pictures) -> dict[str, str]:
    """Path -> reason of the images that could not be read."""
    return {str(pictures.paths[name]): reason for name, reason in pictures.failed.items()}


def write_failed(path: Path, failed: Mapping[str, str]) -> None:
    """List unreadable inputs with the reason; remove the list of an earlier run."""
    if failed:
        text = "".join(f"{name}\t{reason}\n" for name, reason in failed.items())
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
    else:
        path.unlink(missing_ok=True)


def check_out(out: Path, pictures: Pictures, names: Callable[[str], Sequence[str]]) -> None:
    """Raise ConfigError if an input would be overwritten, or `out` lies in an input folder.

    Args:
        out: output folder.
        pictures: inputs.
        names: name of an image -> all files that may be written for it.
    """
    real_out = Path(os.path.realpath(out))  # circular links raise when `out` is created
    for folder in pictures.folders:
        if Path(os.path.realpath(folder)) in (real_out, *real_out.parents):
            raise ConfigError(
                "The results would be written into a folder of input images",
                received=f"--out {out}, in {folder}",
                fix="--out a folder elsewhere",
            )
    inputs = {os.path.realpath(path) for path in pictures.paths.values()}
    for key in pictures.paths:
        for name in names(key):
            if os.path.realpath(out / name) in inputs:
                raise ConfigError(
                    "An input image would be overwritten",
                    received=out / name,
                    fix="--out another folder",
                )
