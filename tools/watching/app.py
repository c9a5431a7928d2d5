"""The HTTP application of live pages, for browsers on this machine alone."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from densefit.errors import DensefitError
from densefit.tools.data_check.page_style import STYLE
from densefit.tools.page.charts import COLORS
from densefit.tools.page.render import render
from densefit.tools.page.run_files import RunFiles
from densefit.tools.page.templates_of_pages import template, template_text
from densefit.tools.watching.comparison import compare
from densefit.tools.watching.runs import FoundRun, find_runs

LOCAL = ("127.0.0.1", "localhost", "[::1]")
_AGAIN = "20"  # seconds after which the page of a running training is loaded again

_App = Callable[..., Awaitable[None]]


def make_app(root: Path) -> Starlette:
    """Make the application.

    A request whose Host is no name of this machine, or whose Origin is another page's, is refused:
    so no web page reaches the runs under a name of its own (DNS rebinding). A run is looked up by
    its name among those that were found: no path of a request is opened.

    Args:
        root: folder of the runs.
    """
    pages = Pages(root)
    app = Starlette(
        routes=[
            Route("/", pages.overview, methods=["GET"]),
            Route("/live", pages.live, methods=["GET"]),
            Route("/run/{name:path}", pages.run, methods=["GET"]),
        ]
    )
    app.add_middleware(LocalOnly)
    return app


class LocalOnly:
    """Refuse requests of other hosts' pages; ask browsers to load nothing from elsewhere.

    Args:
        app: the application.
    """

    def __init__(self, app: _App) -> None:
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {key.lower(): value.decode("latin-1") for key, value in scope["headers"]}
        host = headers.get(b"host", "").lower()
        origin = headers.get(b"origin")
        if _name(host) not in LOCAL:
            response = PlainTextResponse("This server does not answer under this name\n", 421)
            await response(scope, receive, send)
        elif origin is not None and urlsplit(origin.lower()).netloc != host:
            response = PlainTextResponse("Pages of other hosts may not ask\n", 403)
            await response(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class Pages:
    """The pages of a folder of runs.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    async def overview(self, request: Request) -> Response:
        """The comparison of the chosen runs, by default of the latest."""
        return await run_in_threadpool(self._overview, request.query_params.getlist("run"))

    async def live(self, request: Request) -> Response:
        """The part of the comparison that changes."""
        return await run_in_threadpool(self._live, request.query_params.getlist("run"))

    async def run(self, request: Request) -> Response:
        """The page of a run."""
        return await run_in_threadpool(self._run, request.path_params["name"] or ".")

    def _overview(self, names: Sequence[str]) -> Response:
        runs = find_runs(self._root)
        chosen = _chosen(runs, names)
        script = template_text("watch.js")
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
        text = template("watch.html.jinja").render(
            title=f"Trainings in {self._root.resolve().name}",
            style=Markup(STYLE + template_text("report.css")),
            script=Markup(script),
            runs=list(runs.values()),
            chosen=[run.name for run in chosen],
            comparison=compare(_read(chosen)),
        )
        return _page(text, f"'sha256-{digest}'")

    def _live(self, names: Sequence[str]) -> Response:
        chosen = _chosen(find_runs(self._root), names)
        return _page(template("live.html.jinja").render(comparison=compare(_read(chosen))))

    def _run(self, name: str) -> Response:
        run = find_runs(self._root).get(name)
        if run is None or not run.folder.resolve().is_relative_to(self._root.resolve()):
            return PlainTextResponse("There is no such run\n", 404)
        try:
            response = HTMLResponse(render(RunFiles.read(run.folder)), headers=_HEADERS)
        except DensefitError as error:  # removed meanwhile
            return PlainTextResponse(f"{error}\n", 404)
        if not run.is_finished:
            response.headers["Refresh"] = _AGAIN
        return response


_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def _page(text: str, script: str = "'none'") -> HTMLResponse:
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src {script}; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(text, headers={**_HEADERS, "Content-Security-Policy": policy})


def _chosen(runs: dict[str, FoundRun], names: Sequence[str]) -> list[FoundRun]:
    """The named runs, by default the latest; at most as many as there are colors."""
    selected = [runs[name] for name in dict.fromkeys(names) if name in runs]
    return (selected or list(runs.values()))[:COLORS]


def _read(runs: Sequence[FoundRun]) -> list[tuple[FoundRun, RunFiles]]:
    """Files of the runs; those that were removed meanwhile are left out."""
    read = []
    for run in runs:
        try:
            read.append((run, RunFiles.read(run.folder)))
        except DensefitError:
            continue
    return read


def _name(host: str) -> str:
    """Name in a Host header, without the port.

    >>> _name("localhost:8000"), _name("[::1]:80"), _name("[::1]"), _name("a.example")
    ('localhost', '[::1]', '[::1]', 'a.example')
    """
    return host if host.endswith("]") else host.rpartition(":")[0] or host
