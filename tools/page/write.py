"""Write the page of a run, after a training or later."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from densefit.checkpoint.storage.atomic import replace_file
from densefit.model.network import Network
from densefit.tools.analysis.settings import AnalysisSettings
from densefit.tools.analysis.write import Passes, write_analysis
from densefit.tools.page.render import render
from densefit.tools.page.run_files import RunFiles

PAGE = "report.html"
_log = logging.getLogger("densefit")


def write_page(folder: Path, path: Path | None = None) -> Path:
    """Write the page of a run from the files in its folder; return the page's path.

    Args:
        folder: folder of the run.
        path: path of the page; by default report.html in the folder.

    Raises:
        ConfigError: the folder has nothing of a run.
    """
    page = render(RunFiles.read(folder))
    path = folder / PAGE if path is None else path
    replace_file(path, [page.encode("utf-8", "replace")])
    return path


def write_report(
    out: Path,
    network: Network,
    passes: Passes,
    splits: Mapping[str, Any],
    settings: AnalysisSettings | None = None,
) -> None:
    """Write analysis and page at the end of a training, which never fails because of them.

    Args:
        out: folder of the run.
        network: network with parameters.
        passes: what was scored.
        splits: dataset -> name of its split.
        settings: settings of the analysis.
    """
    try:
        write_analysis(out, network, passes, splits, settings)
        write_page(out)
    except Exception as error:  # a head of a plugin may draw wrongly: the scores are written
        _log.warning(
            "There is no report of this training (%s: %s). densefit report %s tries again",
            *(type(error).__name__, error, out),
        )
