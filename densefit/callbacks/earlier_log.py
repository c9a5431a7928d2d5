"""Keep the log of an earlier training when a new one writes to the same path."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from densefit.errors import writing

_log = logging.getLogger("densefit")


def set_aside(path: Path) -> Path:
    """Rename `log.csv` to the first free name of `log-1.csv`, `log-2.csv`..., and log that.

    Returns:
        The new path.
    """
    number = 1
    while os.path.lexists(renamed := path.with_name(f"{path.stem}-{number}{path.suffix}")):
        number += 1
    with writing(path):
        path.rename(renamed)
    _log.info("%s holds an earlier training, which is now %s", path, renamed.name)
    return renamed
