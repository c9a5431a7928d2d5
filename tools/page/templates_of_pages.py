"""The templates of pages, which escape every text that they are given."""

from __future__ import annotations

from functools import lru_cache

import jinja2


def template(name: str) -> jinja2.Template:
    """A template.

    Args:
        name: name of its file in `templates/`.
    """
    return _environment().get_template(name)


def template_text(name: str) -> str:
    """Text of a file beside the templates: a style sheet, a script.

    Args:
        name: name of the file in `templates/`.
    """
    return _loader().get_source(_environment(), name)[0]


@lru_cache(1)
def _loader() -> jinja2.PackageLoader:
    return jinja2.PackageLoader("densefit.tools.page")


@lru_cache(1)
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=_loader(), autoescape=True, undefined=jinja2.StrictUndefined, auto_reload=False
    )
