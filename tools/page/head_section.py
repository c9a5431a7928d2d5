"""What the page shows of a head: scores, confusions, curves, thresholds, sizes, samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from densefit.tools.page.charts import Chart
from densefit.tools.page.detail_charts import detail_charts
from densefit.tools.page.matrix_table import MatrixTable, matrix_table
from densefit.tools.page.samples import PageSample, PictureBudget, kinds_of, page_samples
from densefit.tools.report.table import by_class, columns_of, format_score

Row = Sequence[str]


@dataclass(frozen=True)
class Table:
    """A table of texts: titles of the columns, and rows whose first cell names them."""

    head: Row
    rows: Sequence[Row]


@dataclass(frozen=True)
class SizeBar:
    """Objects of one range of sizes: its name, and (outcome, count, share in percent)."""

    name: str
    total: int
    parts: Sequence[tuple[str, int, float]]


@dataclass(frozen=True)
class HeadSection:
    """A head on the page; what it has not is None or empty."""

    name: str
    key: str
    about: str
    scores: Table
    classes: Table
    matrix: MatrixTable | None
    charts: Sequence[Chart]
    thresholds: Table
    kinds: Table
    sizes: Sequence[SizeBar]
    calibration: str
    filter_classes: Sequence[str]
    filter_kinds: Sequence[str]
    samples: Sequence[PageSample]
    sample_score: str
    scored: int


def head_section(
    index: int,
    name: str,
    scores: Mapping[str, float],
    analysis: Mapping[str, Any],
    folder: Path,
    budget: PictureBudget,
) -> HeadSection:
    """Make the section of a head.

    Args:
        index: number of the section, from 0.
        name: name of the head, behind its dataset's if there are several.
        scores: the head's scores, "<key>" or "<key>/<class>".
        analysis: JSON values of its analysis; empty without one.
        folder: folder of the run.
        budget: bytes for the drawings.
    """
    plain, classes = by_class(scores)
    columns = columns_of(classes)
    notes = {
        label: f"AP50 {format_score(numbers['AP50'])}"
        for label, numbers in classes.items()
        if "AP50" in numbers
    }
    kinds = kinds_of(analysis)
    nan = float("nan")
    return HeadSection(
        name,
        f"head{index}",
        _about(analysis),
        Table(("score", "value"), [(key, format_score(value)) for key, value in plain.items()]),
        Table(
            ("class", *columns),
            [
                (label, *(format_score(numbers.get(column, nan)) for column in columns))
                for label, numbers in classes.items()
            ],
        ),
        matrix_table(analysis["confusion"]) if "confusion" in analysis else None,
        detail_charts(analysis.get("curves", {}), notes),
        _thresholds(analysis),
        _kinds(analysis),
        _sizes(analysis),
        _calibration(analysis),
        analysis.get("classes", ()) if kinds else (),
        kinds,
        page_samples(folder, analysis, kinds, budget),
        str(analysis.get("value", "")),
        int(analysis.get("samples", 0)),
    )


def _about(analysis: Mapping[str, Any]) -> str:
    if "iou" not in analysis:
        return ""
    return (
        f"Detections with a score of {analysis['score_threshold']:.2f} or more are matched with "
        f"true boxes at an IoU above {analysis['iou']:g}, those of the same class first. Crowds "
        "and difficult boxes count nowhere."
    )


def _thresholds(analysis: Mapping[str, Any]) -> Table:
    head = ("class", "best threshold", "F1", "precision", "recall")
    return Table(
        head,
        [
            (name, *(f"{point[key]:.3f}" for key in ("threshold", *head[2:])))
            for name, point in analysis.get("best_thresholds", {}).items()
        ],
    )


def _kinds(analysis: Mapping[str, Any]) -> Table:
    kinds = analysis.get("kinds", {})
    if not kinds:
        return Table((), ())
    names = analysis["classes"]
    rows = [
        (name, *(f"{counts[index]:,}" for counts in kinds.values()))
        for index, name in enumerate(names)
    ]
    return Table(("class", *kinds), rows)


def _sizes(analysis: Mapping[str, Any]) -> list[SizeBar]:
    """Bars of the ranges of sizes that have objects."""
    sizes = dict(analysis.get("sizes", {}))
    if not sizes:
        return []
    edges = sizes.pop("edges")
    labels = [f"{low}-{high}" for low, high in zip(edges, edges[1:])] + [f"{edges[-1]}+"]
    bars = []
    for index, label in enumerate(labels):
        total = sum(counts[index] for counts in sizes.values())
        if total:
            parts = [
                (name, counts[index], 100 * counts[index] / total) for name, counts in sizes.items()
            ]
            bars.append(SizeBar(label, total, parts))
    return bars


def _calibration(analysis: Mapping[str, Any]) -> str:
    calibration = analysis.get("calibration")
    if not calibration or calibration["ECE"] is None:
        return ""
    return (
        f"Expected calibration error {calibration['ECE']:.3f}, largest gap "
        f"{calibration['MCE']:.3f}, in {calibration['bins']} bins of "
        f"{calibration['detections']:,} detections of any score, right if matched with a true "
        "object."
    )
