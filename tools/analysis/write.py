"""Write the analysis of a score pass into a run's folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from densefit.data.loader.loader import Loader
from densefit.metrics.core.detail import Matrix
from densefit.model.heads.head import Head
from densefit.model.network import Network
from densefit.tools.analysis.details import number
from densefit.tools.analysis.head_analysis import HeadAnalysis, head_analysis
from densefit.tools.analysis.pass_metrics import unwrapped
from densefit.tools.analysis.sample_outcomes import outcomes_of
from densefit.tools.analysis.sample_pictures import SamplePictures, jpeg
from densefit.tools.analysis.scored_sample import ScoredSample
from densefit.tools.analysis.settings import AnalysisSettings
from densefit.tools.report.plots import plot_matrix
from densefit.tools.report.report import file_name, write_json
from densefit.visualize.plotting import is_available

FOLDER = "analysis"
PICTURES = 6 << 20  # bytes of all drawings of a run: a page of 10 MB has them as text
_PICTURE = 60 << 10  # largest drawing, bytes

#: dataset ("" for the only one) -> (loader, head -> metrics of `pass_metrics` after the pass).
Passes = Mapping[str, tuple[Loader, Mapping[str, Sequence[Any]]]]


def write_analysis(
    out: Path,
    network: Network,
    passes: Passes,
    splits: Mapping[str, Any],
    settings: AnalysisSettings | None = None,
) -> list[str]:
    """Write `analysis/<head>.json`, the confusion matrix as PNG, and drawings of samples.

    Args:
        out: folder of the run; an earlier analysis is replaced.
        network: network with parameters.
        passes: what was scored.
        splits: dataset -> name of its split.
        settings: settings of the analysis; the defaults if None.

    Returns:
        Names of the JSON files.
    """
    settings = settings or AnalysisSettings()
    folder = out / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    analyses = [
        (name, head, analysis)
        for name, (_, metrics) in passes.items()
        for head in network.heads
        if (analysis := head_analysis(head, metrics.get(head.name, ()), settings)) is not None
    ]
    count = sum(len(analysis.samples) for _, _, analysis in analyses)
    most = min(_PICTURE, PICTURES // max(1, 3 * count))
    for name, (loader, metrics) in passes.items():
        mine = [(head, analysis) for part, head, analysis in analyses if part == name]
        ids = {sample.id for _, analysis in mine for sample in analysis.samples}
        pictures = SamplePictures(network, loader, ids)
        for head, analysis in mine:
            stem = file_name(name, file_name("", head.name))
            entries = _write_samples(folder, stem, head, analysis, pictures, metrics, most)
            about = {"dataset": name, "split": splits.get(name), "images": len(loader.dataset)}
            write_json(folder / f"{stem}.json", {**about, **analysis.values, "shown": entries})
            if "confusion" in analysis.values and is_available():
                confusion = analysis.values["confusion"]
                counts = np.array(confusion["counts"], np.int64)
                matrix = Matrix(confusion["names"], counts, confusion["what"])
                plot_matrix(folder / f"{stem}_confusion.png", matrix)
    return sorted(f"{FOLDER}/{path.name}" for path in folder.glob("*.json"))


def _write_samples(
    folder: Path,
    stem: str,
    head: Head,
    analysis: HeadAnalysis,
    pictures: SamplePictures,
    metrics: Mapping[str, Sequence[Any]],
    most: int,
) -> list[dict[str, Any]]:
    """Write drawings of the chosen samples; return their entries, the worst first."""
    (folder / stem).mkdir(parents=True, exist_ok=True)
    outcomes = outcomes_of(head, unwrapped(metrics[head.name])[0])
    entries = []
    for index, sample in enumerate(analysis.samples):
        prediction, truth, images = pictures.of(head, sample.id)
        if outcomes is not None and truth is not None:
            sample = ScoredSample(sample.id, sample.value, outcomes(prediction, truth))
        files = {}
        for side, image in images.items():
            path = folder / stem / f"{index:03d}_{side}.jpg"
            path.write_bytes(jpeg(image, most))
            files[side] = f"{stem}/{path.name}"
        entries.append(
            {
                "id": sample.id,
                "value": number(sample.value),
                "outcomes": [[label, kind, n] for (label, kind), n in sample.outcomes.items()],
                "size": list(images["truth"].shape[:2]),
                **files,
            }
        )
    return entries
