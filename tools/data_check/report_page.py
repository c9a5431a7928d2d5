"""Write the report of a check as one HTML file with its pictures inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from densefit.checkpoint.storage.atomic import replace_file
from densefit.tools.data_check.bar_charts import grouped_bars, legend, share_bars
from densefit.tools.data_check.check import DataCheck
from densefit.tools.data_check.page_style import STYLE
from densefit.tools.data_check.report_text import (
    NOTHING_CHECKED,
    shown_range,
    verdict,
    what_was_checked,
)
from densefit.tools.data_check.thumbnails import Thumbnail, Thumbnails

_TITLES = {"error": "Error", "warning": "Warning", "note": "Note"}


def write_page(path: Path, report: Mapping[str, Any], check: DataCheck) -> None:
    """Write the page of a report, with drawings of some samples."""
    replace_file(path, [page(report, Thumbnails.of(check)).encode("utf-8", "replace")])


def page(
    report: Mapping[str, Any],
    thumbnails: Thumbnails | None = None,
) -> str:
    """The page as HTML.

    Args:
        report: result of `densefit.tools.data_check.report.report`.
        thumbnails: drawings of some samples.
    """
    sound = report["sound"]
    badge = "sound" if sound else "broken"
    text = "Every image can be used" if sound else "Some images cannot be used"
    parts = [
        f'<header><h1>Data</h1><p class="badge {badge}">{text}</p>',
        f"<p>{escape(verdict(report))}</p></header>",
        *(_section(title, content) for title, content in sections(report)),
    ]
    drawings = thumbnails or Thumbnails()
    if drawings.equal:
        figures = "".join(f'<div class="pair">{_figures(group)}</div>' for group in drawings.equal)
        parts.append(_section("Equal images", f'<div class="gallery">{figures}</div>'))
    if drawings.samples:
        colors = {name: "rgb({},{},{})".format(*rgb) for name, rgb in drawings.colors.items()}
        figures = f'<div class="gallery">{_figures(drawings.samples)}</div>'
        parts.append(_section("Samples", f"{legend(colors) if colors else ''}{figures}"))
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Data check</title><style>{STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def sections(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield title and content, both HTML, of each section without drawings.

    Args:
        report: result of `densefit.tools.data_check.report.report`.
    """
    yield "Splits", _splits(report)
    if report["findings"]:
        yield "Findings", _findings(report["findings"])
    for target, table in report["classes"].items():
        title = f"{escape(target)}: {escape(table['unit'])} by class"
        yield title, grouped_bars(table["counts"])
    if any(split["objects"] for split in report["splits"].values()):
        yield "Object sizes", _sizes(report["splits"])
    if report["anchors"]:
        yield "Boxes against anchors", _anchors(report["anchors"])


def _section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>{content}</section>"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows
    )
    # A region that scrolls is reached by the keyboard, and has a name.
    region = f'tabindex="0" role="region" aria-label="by {escape(head[0])}"'
    return (
        f'<div class="wide" {region}><table><thead><tr>{titles}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _splits(report: Mapping[str, Any]) -> str:
    numbers = ("images", "unusable", "unlabelled", "objects", "dropped_objects", "crowds")
    rows = []
    for name, split in report["splits"].items():
        formats = ", ".join(f"{kind} {count:,}" for kind, count in split["formats"].items())
        looked_at = what_was_checked({name: report["checked"][name]}).partition(": ")[2]
        is_unknown = looked_at == NOTHING_CHECKED  # of a generated dataset; 0 objects is a count
        counts = [
            "-" if is_unknown and number != "images" else f"{split[number]:,}" for number in numbers
        ]
        sides = [shown_range(split[side]) for side in ("width", "height")]
        rows.append([name, *counts, *sides, formats or "-", looked_at])
    head = ["split", "images", "unusable", "unlabelled", "objects", "left out", "crowds"]
    return _table([*head, "width", "height", "formats", "checked"], rows)


def _findings(findings: Iterable[Mapping[str, Any]]) -> str:
    return "".join(map(_finding, findings))


def _finding(finding: Mapping[str, Any]) -> str:
    severity = finding["severity"]
    where = f"<b>{escape(finding['split'])}</b> " if finding["split"] else ""
    head = f'<span class="tag">{_TITLES[severity]}</span>{where}{escape(finding["text"])}'
    examples = "".join(
        f"<li><code>{escape(example['id'])}</code> {escape(example['text'])}"
        f'<span class="where">{escape(example["where"])}</span></li>'
        for example in finding["examples"]
    )
    if not examples:
        return f'<div class="finding {severity}">{head}</div>'
    is_open = " open" if severity == "error" else ""
    more = finding["count"] - len(finding["examples"])
    rest = f'<p class="more">and {more:,} more</p>' if more > 0 else ""
    return (
        f'<details class="finding {severity}"{is_open}><summary>{head}</summary>'
        f"<ul>{examples}</ul>{rest}</details>"
    )


def _sizes(splits: Mapping[str, Any]) -> str:
    edges = next(iter(splits.values()))["object_sizes"]["edges"]
    labels = [f"{low}-{high}" for low, high in zip(edges, edges[1:])] + [f"{edges[-1]}+"]
    counts = {
        name: dict(zip(labels, split["object_sizes"]["counts"])) for name, split in splits.items()
    }
    shares = {
        name: {size: split["object_sizes"][size] for size in ("small", "medium", "large")}
        for name, split in splits.items()
        if split["objects"]
    }
    caption = "<p>Square root of the area, in pixels of the original images.</p>"
    bounds = "<p>Small: below 32² pixels; large: from 96² on (COCO).</p>"
    return f"{caption}{grouped_bars(counts)}{bounds}{share_bars(shares)}"


def _anchors(anchors: Mapping[str, Any]) -> str:
    rows = []
    for head, by_split in anchors.items():
        for split, fit in by_split.items():
            shares = [fit["below"], *fit["by_size"].values()]
            cells = ["-" if share is None else f"{100 * share:.1f} %" for share in shares]
            median, side = f"{fit['median_iou']:.2f}", f"{fit['short_side_p5']:g}"
            rows.append([head, split, f"{fit['boxes']:,}", median, *cells, side])
    head_row = ["head", "split", "boxes", "median of best IoU", "best IoU < 0.5", "small", "medium"]
    note = (
        "<p>Best IoU of each box with any anchor, in the network's input as it is scored. "
        "Last column: 5th percentile of the boxes' shorter sides there.</p>"
    )
    return note + _table([*head_row, "large", "short side, pixels"], rows)


def _figures(thumbnails: Iterable[Thumbnail]) -> str:
    return "".join(
        f'<figure><img src="{thumbnail.data}" width="{thumbnail.size[1]}" '
        f'height="{thumbnail.size[0]}" alt=""><figcaption>{escape(thumbnail.caption)}'
        f"<span>{escape(thumbnail.labels)}</span></figcaption></figure>"
        for thumbnail in thumbnails
    )
