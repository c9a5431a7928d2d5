"""Print the report of a check as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from densefit.tools.recipes.words.counted import counted

NOTHING_CHECKED = "nothing could be checked"  # a generated dataset
_CLASSES = 30  # of a table; JSON and page have all
_SHOWN = 3  # examples of a finding
_STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}


def print_report(report: Mapping[str, Any]) -> None:
    """Print splits, classes, sizes, anchors and findings."""
    console = Console(soft_wrap=True)
    console.print(_splits(report))
    for target, table in report["classes"].items():
        console.print(_classes(target, table))
    if any(split["objects"] for split in report["splits"].values()):
        console.print(_sizes(report))
    if report["anchors"]:
        console.print(_anchors(report["anchors"]))
    for finding in report["findings"]:
        print_finding(console, finding)
    console.print(Text(verdict(report), style="bold"))


def print_finding(console: Console, finding: Mapping[str, Any]) -> None:
    """Print a finding and its first examples."""
    head = Text(finding["severity"], style=_STYLES[finding["severity"]])
    where = f" {finding['split']}:" if finding["split"] else ""
    console.print(Text.assemble(head, f"{where} {finding['text']}"))
    if finding["kind"] == "class_without_training_samples":
        return
    for example in finding["examples"][:_SHOWN]:
        where = f"({example['where']})" if example["where"] else ""
        parts = [part for part in (example["id"], example["text"], where) if part]
        console.print(Text("  " + "  ".join(parts)))
    more = finding["count"] - min(_SHOWN, len(finding["examples"]))
    if finding["examples"] and more > 0:
        console.print(Text(f"  and {more} more"))


def verdict(report: Mapping[str, Any]) -> str:
    """One line: what was checked, and whether anything is broken."""
    counts = {severity: 0 for severity in _STYLES}
    for finding in report["findings"]:
        counts[finding["severity"]] += 1
    numbers = ", ".join(counted(count, name) for name, count in counts.items())
    return f"{numbers} in {what_was_checked(report['checked'])} ({report['seconds']:.1f} s)"


def what_was_checked(checked: Mapping[str, Mapping[str, Any]]) -> str:
    """The images of all splits, and how far each step came.

    >>> what_was_checked({"a": {"images": 2, "annotations": 2, "files": 2, "headers": 0,
    ...                         "decoded": 0, "equal_images": True}})
    '2 images: annotations, files, equal images'
    """
    images = sum(split["images"] for split in checked.values())
    parts = []
    for step in ("annotations", "files", "headers", "decoded"):
        count = sum(split[step] for split in checked.values())
        if count:
            parts.append(step if count == images else f"{step} of {count:,}")
    parts += ["equal images"] * any(split["equal_images"] for split in checked.values())
    return f"{counted(images, 'image')}: {', '.join(parts) or NOTHING_CHECKED}"


def _splits(report: Mapping[str, Any]) -> Table:
    splits = report["splits"]
    table = _table_of("data", list(splits))
    rows = {
        "images": "images",
        "that cannot be used": "unusable",
        "without labels": "unlabelled",
        "objects": "objects",
        "crowds": "crowds",
        "objects left out": "dropped_objects",
    }
    for title, number in rows.items():
        if number == "images" or any(split[number] for split in splits.values()):
            table.add_row(title, *(f"{split[number]:,}" for split in splits.values()))
    for side in ("width", "height"):
        table.add_row(side, *(shown_range(split[side]) for split in splits.values()))
    return table


def shown_range(sides: Mapping[str, float] | None) -> str:
    """Smallest and largest side.

    >>> shown_range({"min": 20, "median": 25.0, "max": 30}), shown_range(None)
    ('20 to 30', '-')
    """
    if sides is None:
        return "-"
    low, high = sides["min"], sides["max"]
    return f"{low}" if low == high else f"{low} to {high}"


def _table_of(title: str, splits: Sequence[str], first: str = "") -> Table:
    """A table with a column a split."""
    table = Table(title=Text(title), title_justify="left")
    table.add_column(first, overflow="fold")
    for split in splits:
        table.add_column(Text(split), justify="right")
    return table


def _classes(target: str, counts: Mapping[str, Any]) -> Table:
    by_split: Mapping[str, Mapping[str, int]] = counts["counts"]
    names = list(dict.fromkeys(name for table in by_split.values() for name in table))
    totals = {name: sum(table.get(name, 0) for table in by_split.values()) for name in names}
    title = f"{target}, {counts['unit']} by class"
    if len(names) > _CLASSES:
        ranked = sorted(names, key=lambda name: totals[name])
        names = ranked[: _CLASSES // 2] + ranked[-_CLASSES // 2 :]
        title += f": {len(names)} of {len(ranked)}, the rarest and the most frequent"
    table = _table_of(title, list(by_split), "class")
    for name in names:
        cells = [f"{by_split[split].get(name, 0):,}" for split in by_split]
        table.add_row(Text(name), *cells, style="yellow" if not totals[name] else None)
    return table


def _sizes(report: Mapping[str, Any]) -> Table:
    splits = report["splits"]
    table = _table_of("object sizes: square root of the area, in pixels", list(splits), "size")
    edges = next(iter(splits.values()))["object_sizes"]["edges"]
    titles = [f"{low} to {high}" for low, high in zip(edges, edges[1:])] + [f"over {edges[-1]}"]
    for index, title in enumerate(titles):
        counts = [split["object_sizes"]["counts"][index] for split in splits.values()]
        table.add_row(title, *(f"{count:,}" for count in counts))
    table.add_section()
    for name, bounds in (("small", "< 32"), ("medium", "< 96"), ("large", "")):
        counts = [split["object_sizes"][name] for split in splits.values()]
        table.add_row(f"{name} {bounds}".rstrip(), *(f"{count:,}" for count in counts))
    return table


def _anchors(anchors: Mapping[str, Any]) -> Table:
    table = Table(title="boxes against anchors", title_justify="left")
    table.add_column("head")
    table.add_column("split")
    for title in ("boxes", "median IoU", "IoU < 0.5", "small", "medium", "large"):
        table.add_column(title, justify="right")
    for head, by_split in anchors.items():
        for split, fit in by_split.items():
            shares = [fit["below"], *fit["by_size"].values()]
            cells = ["-" if share is None else f"{100 * share:.1f} %" for share in shares]
            row = (str(fit["boxes"]), f"{fit['median_iou']:.2f}", *cells)
            table.add_row(Text(head), Text(split), *row)
    return table
