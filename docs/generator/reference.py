"""Write docs/reference/: a page for each kind of part, from signatures and docstrings.

python -m docs.generator.reference    # or: make reference
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from densefit import factory
from densefit.registry import Registry
from densefit.tools.console import names
from docs.generator.entries import entry, summary
from docs.generator.kinds import PAGES, Page

FOLDER = Path(__file__).resolve().parents[1] / "reference"
_NOTE = "<!-- Made by docs/generator/reference.py from docstrings: edit those, make reference. -->"


def pages() -> dict[str, str]:
    """File name -> text of all pages."""
    texts, rows = {}, []
    for registry in factory.REGISTRIES:
        page = PAGES[registry.kind]
        entries = built_in(registry)
        texts[f"{page.file}.md"] = _page(page, entries)
        links = ", ".join(f"[{name}]({page.file}.md#{_anchor(name)})" for name in entries)
        rows.append(f"| [{page.title}]({page.file}.md) | {links} |")
    table = "\n".join(["| kind | names |", "|---|---|", *sorted(rows)])
    intro = (
        "All that a recipe may name, with all settings, their defaults and units. A part of your "
        "own is [a file beside the recipe](../plugins.md)."
    )
    texts["README.md"] = f"{_NOTE}\n# Reference\n\n{intro}\n\n{table}\n"
    return texts


def built_in(registry: Registry[Any]) -> dict[str, Any]:
    """Heading -> what densefit registers under it; names of the same part are one heading."""
    names: dict[Any, list[str]] = {}
    for name in registry.names():
        part = registry.get(name)
        if part.__module__.startswith("densefit."):
            names.setdefault(part, []).append(name)
    return {", ".join(group): part for part, group in names.items()}


def _page(page: Page, entries: dict[str, Any]) -> str:
    contents = [f"- [{name}](#{_anchor(name)}): {summary(part)}" for name, part in entries.items()]
    parts = [f"{_NOTE}\n# {page.title}", page.text, "\n".join(contents)]
    parts += [entry(page, name, part) for name, part in entries.items()]
    return "\n\n".join(parts) + "\n"


def _anchor(heading: str) -> str:
    """GitHub's anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def main() -> None:
    """Write the pages, and remove those that are no longer made."""
    FOLDER.mkdir(exist_ok=True)
    texts = pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    names.FILE.write_text(names.text(), encoding="utf-8")
    print(f"wrote {len(texts)} pages to {FOLDER}, and {names.FILE.name}")


if __name__ == "__main__":
    main()
