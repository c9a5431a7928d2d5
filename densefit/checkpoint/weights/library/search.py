"""Where files of pretrained weights are looked for."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from densefit.checkpoint.weights.library.pretrained_file import PretrainedFile
from densefit.checkpoint.weights.library.table import TABLE
from densefit.errors import CheckpointError
from densefit.model.backbones import Backbone

VARIABLE = "DENSEFIT_WEIGHTS"
#: In place of a path: the first file of the table that fits and is on the search path.
IMAGENET = "imagenet"


def folders() -> list[Path]:
    """Return the folders of the search path: DENSEFIT_WEIGHTS, then the cache's."""
    named = [part for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return [*map(Path, named), Path(cache) / "densefit" / "weights"]


def find(entry: PretrainedFile) -> Path | None:
    """Return the path of a file of the table, in the folders or in its installed package."""
    paths = [folder / entry.file for folder in folders()]
    if entry.package is not None:
        paths += [folder / entry.package.member for folder in _package_parents(entry)]
    return next((path for path in paths if path.is_file()), None)


def find_imagenet(backbone: Backbone) -> Path:
    """Return the path of the first file of the table that is there and fits a backbone.

    Raises:
        CheckpointError: none is there; says which to put where.
    """
    entries = [entry for entry in TABLE if entry.fits(backbone)]
    for entry in entries:
        path = find(entry)
        if path is not None:
            return path
    if not entries:
        names = sorted({entry.backbone for entry in TABLE})
        raise CheckpointError(
            f"There are no ImageNet weights for the backbone {backbone.name!r} of this width",
            expected=", ".join(names),
            fix="weights: the path of a file; densefit weights list shows what is known",
        )
    best = entries[0]
    raise CheckpointError(
        f"The ImageNet weights of {backbone.name!r} are not on this machine",
        expected=f"{best.file}, whose sha256 begins with {best.sha256}, from {best.address}",
        where=", ".join(map(str, folders())),
        fix=f"densefit weights fetch {best.name}; or bring the file: densefit weights add FILE",
    )


def _package_parents(entry: PretrainedFile) -> list[Path]:
    """Folders that the installed package of an entry lies in; the package is not imported."""
    spec = None if entry.package is None else importlib.util.find_spec(entry.package.module)
    locations = [] if spec is None else spec.submodule_search_locations or []
    return [Path(location).parent for location in locations]
