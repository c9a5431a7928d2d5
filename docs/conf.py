"""Settings of the documentation site: `make docs` writes it to build/docs."""

import sys
from importlib.metadata import version as installed_version
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from docs.generator.notebook_parser import NotebookParser  # noqa: E402

project = "densefit"
author = "the densefit developers"
version = release = installed_version("densefit")

extensions = [
    "myst_parser",
    "sphinx_copybutton",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
]
default_role = "literal"
autodoc_typehints = "description"
exclude_patterns = ["generator"]
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
copybutton_prompt_text = r">>> |\$ "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = f"densefit {version}"
html_theme_options = {"navigation_with_keys": True}
pygments_style = "friendly"
pygments_dark_style = "monokai"


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.add_source_suffix(".ipynb", "notebook")
    app.add_source_parser(NotebookParser)
    app.connect("autodoc-process-docstring", _mark_code, priority=0)  # before napoleon


def _mark_code(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Make indented examples of docstrings literal: a paragraph that is indented by four."""
    text = lines.copy()
    lines.clear()
    for before, line in pairwise(["", *text]):
        is_first = line.startswith("    ") and not before
        if is_first and lines and not _is_in_section(lines):
            lines += ["::", ""]
        lines.append(line)


def _is_in_section(lines: list[str]) -> bool:
    """Whether the last unindented line is a heading, such as Args, or a block that is marked."""
    last = next((line for line in reversed(lines) if line and not line.startswith(" ")), "")
    return last == "::" or last in ("Args:", "Returns:", "Raises:", "Attributes:", "Yields:")
