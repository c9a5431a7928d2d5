"""Notebooks as pages of the site: texts, code and stored outputs, without a kernel."""

from __future__ import annotations

import json

from docutils import nodes
from myst_parser.parsers.sphinx_ import MystParser

from docs.generator.notebook import to_markdown


class NotebookParser(MystParser):
    """Reads an .ipynb file as the Markdown of its cells."""

    supported = ("notebook",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        """Add the page of a notebook to a document."""
        super().parse(to_markdown(json.loads(inputstring)), document)
