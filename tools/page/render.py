"""Render the page of a run: one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from markupsafe import Markup

import densefit
from densefit.metrics.core.unreadable import without_counts
from densefit.tools.data_check.page_style import STYLE
from densefit.tools.data_check.report_page import sections
from densefit.tools.page.affinity_section import affinity_section
from densefit.tools.page.facts import environment, recipe_facts, tiles, timing
from densefit.tools.page.head_section import HeadSection, Table, head_section
from densefit.tools.page.run_files import RunFiles
from densefit.tools.page.samples import PictureBudget
from densefit.tools.page.templates_of_pages import template, template_text
from densefit.tools.page.training_charts import training_charts

MOST = 10 << 20  # bytes of the page
_TEXT = 2 << 20  # bytes of the page without drawings, as far as is usual


def render(run: RunFiles) -> str:
    """Render the page as HTML of at most 10 MiB.

    Args:
        run: content of the run's folder.
    """
    for room in (MOST - _TEXT, MOST // 2, 0):
        page = _render(run, PictureBudget(room))
        if len(page.encode("utf-8", "replace")) <= MOST:
            break
    return page


def _render(run: RunFiles, budget: PictureBudget) -> str:
    heads = _heads(run, budget)
    decisions = Table(
        ("decision", "value", "why"),
        [
            tuple(str(entry.get(key, "")) for key in ("what", "value", "why"))
            for entry in run.decisions
            if isinstance(entry, dict)
        ],
    )
    script = template_text("report.js")
    digest = hashlib.sha256(script.encode()).digest()
    context: dict[str, Any] = {
        "title": run.folder.resolve().name,
        "subtitle": _subtitle(run),
        "style": Markup(STYLE + template_text("report.css")),
        "script": Markup(script),
        "script_sha256": base64.b64encode(digest).decode("ascii"),
        "version": densefit.__version__,
        "unread": run.unread,
        "tiles": tiles(run),
        "decisions": decisions if decisions.rows else None,
        "recipe_facts": recipe_facts(run.recipe),
        "training_charts": (
            training_charts(run.lines, run.scored.get("primary") or ()) if run.lines else []
        ),
        "affinity": affinity_section(run.lines),
        "heads": heads,
        "left_out": budget.left_out,
        "timing": timing(run),
        "data_check": _data_check(run),
        "environment": environment(run),
        "recipe_text": run.recipe_text,
    }
    context["contents"] = _contents(context)
    return template("report.html.jinja").render(context)


def _heads(run: RunFiles, budget: PictureBudget) -> list[HeadSection]:
    """A section for each head of each dataset that has scores or an analysis."""
    analyses = {}
    for analysis in run.heads:
        dataset, head = str(analysis.get("dataset", "")), str(analysis.get("head", ""))
        analyses[f"{dataset}/{head}" if dataset else head] = analysis
    depth = 2 if isinstance(run.scored.get("samples"), dict) else 1
    scores: dict[str, dict[str, float]] = {}
    for key, value in without_counts(run.scores).items():
        *parts, rest = key.split("/", depth)
        number = float("nan") if value is None else value
        scores.setdefault("/".join(parts), {})[rest] = number
    for name in analyses:
        scores.setdefault(name, {})
    scores.pop("", None)  # the numbers of the whole dataset
    return [
        head_section(index, name, numbers, analyses.get(name, {}), run.folder, budget)
        for index, (name, numbers) in enumerate(scores.items())
    ]


def _subtitle(run: RunFiles) -> str:
    started = run.starts[0].get("started", "") if run.starts else ""
    split, samples = run.scored.get("split"), run.scored.get("samples")
    parts = [f"Trained {str(started)[:16].replace('T', ' ')} UTC" if started else ""]
    if isinstance(split, str) and isinstance(samples, int):
        parts.append(f"scored on {samples:,} samples of {split!r}")
    if isinstance(samples, dict):
        named = ", ".join(f"{count:,} of {name}" for name, count in samples.items())
        parts.append(f"scored on samples: {named}")
    text = ", ".join(part for part in parts if part)
    return f"{text[:1].upper()}{text[1:]}"


def _data_check(run: RunFiles) -> Markup | None:
    """The report of the data check, whose own page escapes all texts."""
    if not run.data_check:
        return None
    try:
        parts = [f"<h3>{title}</h3>{content}" for title, content in sections(run.data_check)]
    except (KeyError, TypeError, ValueError, AttributeError):  # of another version
        return None
    return Markup("".join(parts))


def _contents(context: dict[str, Any]) -> list[tuple[str, str]]:
    """(key, title) of the sections, in order."""
    has_decisions = context["decisions"] or context["recipe_facts"]
    entries = [
        ("decisions", "Decisions and settings", has_decisions),
        ("curves", "Curves", context["training_charts"]),
        ("affinity", "What heads do for each other", context["affinity"]),
        *((head.key, head.name, True) for head in context["heads"]),
        ("timing", "Timing", context["timing"]),
        ("data", "Data check", context["data_check"]),
        ("environment", "Environment", context["environment"]),
        ("config", "Config", context["recipe_text"]),
    ]
    return [(key, name) for key, name, is_there in entries if is_there]
