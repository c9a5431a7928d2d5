"""Bar charts as HTML without scripts."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

_COLORS = ("#2f6fdb", "#e08a1e", "#2a9d6f", "#a04fc4", "#c9443f", "#4b8f9e")
_SHADES = ("#4a73b3", "#2f5aa3", "#1c3a73")  # white text is readable on each
_MOST = 120  # rows of a chart

Counts = Mapping[str, Mapping[str, int]]


def grouped_bars(counts: Counts) -> str:
    """A row a class, with a bar a split: its share of the split's largest count.

    Args:
        counts: split -> class -> count.
    """
    names = list(dict.fromkeys(name for table in counts.values() for name in table))
    rows = []
    largest = {split: max(table.values(), default=0) for split, table in counts.items()}
    for name in names[:_MOST]:
        bars = "".join(
            _bar(table.get(name, 0), largest[split], _COLORS[index % len(_COLORS)])
            for index, (split, table) in enumerate(counts.items())
        )
        rows.append(f'<div class="name">{escape(name)}</div><div class="bars">{bars}</div>')
    rest = f"<p>and {len(names) - _MOST} more</p>" if len(names) > _MOST else ""
    key = legend({split: _COLORS[i % len(_COLORS)] for i, split in enumerate(counts)})
    return f'{key}<div class="chart">{"".join(rows)}</div>{rest}'


def share_bars(counts: Counts) -> str:
    """A row a split: one bar, divided in the proportions of the counts.

    Args:
        counts: split -> part -> count.
    """
    rows, parts = [], {}
    for split, table in counts.items():
        total = sum(table.values())
        pieces = ""
        for index, (part, count) in enumerate(table.items()):
            parts[part] = _SHADES[index % len(_SHADES)]
            share = 100 * count / total if total else 0.0
            text = f"{share:.0f} %" if share >= 6 else ""
            pieces += (
                f'<div style="width:{share:.2f}%;background:{parts[part]}" '
                f'title="{escape(part)}: {count:,}">{text}</div>'
            )
        rows.append(f'<div class="name">{escape(split)}</div><div class="share">{pieces}</div>')
    return f'{legend(parts)}<div class="chart">{"".join(rows)}</div>'


def _bar(count: int, largest: int, color: str) -> str:
    width = 100 * count / largest if largest else 0.0
    least = "min-width:2px;" if count else ""
    return (
        f'<div class="bar"><div style="width:{0.86 * width:.2f}%;{least}background:{color}"></div>'
        f"<span>{count:,}</span></div>"
    )


def legend(colors: Mapping[str, str]) -> str:
    """Names with their colors."""
    keys = "".join(
        f'<span><i style="background:{color}"></i>{escape(name)}</span>'
        for name, color in colors.items()
    )
    return f'<p class="legend">{keys}</p>'
