"""List the samples with the worst scores, and draw their ground truth and prediction."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from densefit.errors import writing
from densefit.metrics.core.metric import Metric
from densefit.metrics.core.per_sample import PerSample
from densefit.tools.report.pictures import BYTES, LARGEST, SMALLEST, resized, write_image
from densefit.tools.report.table import format_score
from densefit.visualize.grid import grid

Pictures = Callable[[str], Sequence[np.ndarray]]

_DRAWN = 24  # largest number of samples that are drawn; all are listed
_CAPTIONS = ("truth", "prediction")


def worst_samples(metrics: Sequence[Metric], count: int) -> dict[str, list[tuple[str, float]]]:
    """Worst samples by score: name of the score -> (id, value), worst first.

    Args:
        metrics: metrics of a head; only `PerSample` metrics with a defined score have worst
            samples.
        count: number of samples.
    """
    by_score = {
        metric.primary: metric.worst(count) for metric in metrics if isinstance(metric, PerSample)
    }
    return {number: worst for number, worst in by_score.items() if worst}


def pictured(worst: Mapping[str, Sequence[tuple[str, float]]]) -> str:
    """Choose the score whose worst samples are drawn, the first whose values differ, or the first.

    By accuracy all of the worst samples are equally wrong; cross-entropy ranks them.

    >>> pictured({"accuracy": [("a", 0.0), ("b", 0.0)], "cross_entropy": [("c", 9.0), ("a", 7.0)]})
    'cross_entropy'
    """
    differing = (number for number, samples in worst.items() if len({v for _, v in samples}) > 1)
    return next(differing, next(iter(worst)))


def write_worst(
    out: Path,
    metrics: Mapping[str, Sequence[Metric]],
    count: int,
    pictures: Mapping[str, Pictures],
    names: Mapping[str, str],
) -> list[str]:
    """Write worst.csv, and for each head a drawing of the worst samples of a score.

    Args:
        out: output folder.
        metrics: head -> metrics.
        count: number of samples of each score; only the first 24 are drawn.
        pictures: head -> function that draws a sample, ground truth first; called for the worst
            samples only.
        names: head -> file name of its drawing.

    Returns:
        Names of the files; empty if there are no samples to list.
    """
    by_head = {head: worst_samples(head_metrics, count) for head, head_metrics in metrics.items()}
    rows = [
        [head, rank, key, number, value]
        for head, numbers in by_head.items()
        for number, worst in numbers.items()
        for rank, (key, value) in enumerate(worst, start=1)
    ]
    if not rows:
        return []
    with (
        writing(out / "worst.csv"),
        open(out / "worst.csv", "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(["head", "rank", "id", "number", "value"])
        writer.writerows(rows)
    written = ["worst.csv"]
    for head, numbers in by_head.items():
        if not numbers or head not in pictures:
            continue
        number = pictured(numbers)
        picture = worst_picture(numbers[number][:_DRAWN], number, pictures[head])
        write_image(out / names[head], picture, BYTES)
        written.append(names[head])
    return written


def worst_picture(
    worst: Sequence[tuple[str, float]], number: str, pictures: Pictures
) -> np.ndarray:
    """Draw samples, each with its id and its score below.

    Args:
        worst: (id, value) of each sample; at least one.
        number: name of the score.
        pictures: function that draws a sample, as images to put side by side.
    """
    cells = []
    for key, _ in worst:
        some = [resized(image, SMALLEST, LARGEST) for image in pictures(key)]
        both = _CAPTIONS if len(some) == len(_CAPTIONS) else None
        cells.append(grid(some, columns=len(some), captions=both, gap=3))
    wide = max(cell.shape[1] for cell in cells)
    captions = [f"{key}   {number} {format_score(value)}" for key, value in worst]
    return grid(cells, columns=2 if wide > 3 * SMALLEST else 3, captions=captions, gap=12)
