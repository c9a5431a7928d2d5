"""A part's section of the reference."""

from __future__ import annotations

import inspect
import re
from typing import Any

from docs.generator.docstrings import sections, settings_of
from docs.generator.kinds import Page
from docs.generator.settings import FROM_ELSEWHERE, default_words, type_words


def entry(page: Page, name: str, part: Any) -> str:
    """The section of a part: its line in a recipe, its docstring, a table of its settings."""
    settings = settings_of(part)
    text = [
        f"## {name}",
        f"```{page.language}\n{recipe_line(page, name.split(', ')[0], settings)}\n```",
    ]
    if page.file == "metrics":
        direction = "higher" if part.higher_is_better else "lower"
        primary = getattr(part, "primary", None)
        if isinstance(primary, str):
            text.append(f"Primary number: `{primary}`; {direction} is better.")
    text += _paragraphs(sections(part.__doc__ or "")[""])
    if settings:
        rows = ["| setting | type | default | meaning |", "|---|---|---|---|"]
        for key, (value, meaning) in settings.items():
            words = (f"`{key}`", type_words(part, value), default_words(page.file, value))
            rows.append(f"| {' | '.join(words)} | {_cell(meaning)} |")
        text.append("\n".join(rows))
    else:
        text.append("No settings.")
    return "\n\n".join(text)


def recipe_line(page: Page, name: str, settings: dict[str, Any]) -> str:
    """The shortest line of a recipe that names a part; capitals stand for values to fill in."""
    sign = ": " if page.language == "yaml" else "="
    required = [
        f"{key}{sign}{key.upper()}"
        for key, (parameter, _) in settings.items()
        if parameter.default is parameter.empty and (page.file, key) not in FROM_ELSEWHERE
    ]
    line = page.line.replace("NAME", name).replace("SETTINGS", ", ".join(required))
    line = line.replace(", settings: {}", "").replace(", }", "}").replace(", )", ")")
    return line if "root" in settings else line.replace(", root: DIR", "")


def summary(part: Any) -> str:
    """The first paragraph of a part's docstring."""
    return _escaped(inspect.cleandoc(part.__doc__ or "").split("\n\n")[0].replace("\n", " "))


def _paragraphs(text: str) -> list[str]:
    """Paragraphs of a docstring as Markdown, without its doctests."""
    result = []
    for block in re.split(r"\n\s*\n", text.strip()):
        if block.lstrip().startswith(">>>"):
            continue
        if re.match(r"- ", block):
            items = re.split(r"\n(?=- )", block)
            result.append("\n".join(_escaped(" ".join(item.split())) for item in items))
        else:
            # Indented lines (a folder's tree) are code, with a blank line before them or not.
            for lines in re.findall(r"(?: {4}.*\n?)+|(?:(?! {4}).+\n?)+", block):
                is_code = lines.startswith("    ")
                result.append(lines.rstrip() if is_code else _escaped(" ".join(lines.split())))
    return result


def _escaped(text: str) -> str:
    """Text as Markdown: nothing outside of `code` is markup."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(
        piece if piece.startswith("`") else re.sub(r"([*<\\])", r"\\\1", piece) for piece in pieces
    )


def _cell(text: str) -> str:
    """A description in a table, with a recipe's words for Python's constants."""
    for python, word in (("None", "null"), ("True", "true"), ("False", "false")):
        text = re.sub(rf"\b{python}\b", word, text)
    return _escaped(text).replace("|", "\\|")
