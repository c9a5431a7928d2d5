"""Names of the files that predictions are written to, and checks before writing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from densefit.errors import ConfigError
from densefit.tools.formats.picture_files import Pictures
from densefit.tools.report.predictions_json import map_files


def write_failed(path: Path, pictures: Pictures) -> None:
    """List unreadable images with the reason; remove the list of an earlier run."""
    lines = [f"{pictures.paths[name]}\t{why}\n" for name, why in pictures.failed.items()]
    if lines:
        path.write_text("".join(lines), encoding="utf-8", errors="surrogateescape")
    else:
        path.unlink(missing_ok=True)


def written(key: str, heads: Sequence[str]) -> list[str]:
    """Names of all files that may be written for an image: the drawing and the heads' maps."""
    return [key, *(name for head in heads for name in map_files(key, head))]


def check_out(out: Path, pictures: Pictures, heads: Sequence[str]) -> None:
    """Raise ConfigError if an input would be overwritten, or `out` lies in an input folder.

    Args:
        out: output folder.
        pictures: inputs.
        heads: names of the heads, some of which write maps.
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
        for name in written(key, heads):
            if os.path.realpath(out / name) in inputs:
                raise ConfigError(
                    "An input image would be overwritten",
                    received=out / name,
                    fix="--out another folder",
                )
