"""The HTTP application: /predict, /health, /metrics, and a page that says how to ask."""

from __future__ import annotations

import functools
import hmac
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from densefit.errors import ConfigError
from densefit.tools.predicting.selection import Selection
from densefit.tools.serving.answers import as_json, as_png
from densefit.tools.serving.errors import RequestError
from densefit.tools.serving.request_image import decode, read_body
from densefit.tools.serving.service import Service

_log = logging.getLogger("densefit.serve")
_Handler = Callable[[Request], Awaitable[Response]]
_PARAMETERS = ("format", "threshold", "classes", "max_detections")

HELP = """densefit serve

POST /predict   an image: its bytes, or a form with a file
  ?format=json  predictions in original image coordinates (default)
  ?format=png   the image with its predictions
  ?threshold=0.5  ?classes=cat,dog  ?max_detections=10
GET /health     200 while the network computes
GET /metrics    Prometheus's text format

curl --data-binary @photo.jpg -H 'Content-Type: image/jpeg' ADDRESS/predict
curl -F image=@photo.jpg 'ADDRESS/predict?format=png' -o drawn.png
"""


def make_app(
    service: Service, token: str | None = None, hosts: Collection[str] | None = None
) -> Starlette:
    """Make the application.

    Args:
        service: predicts.
        token: `Authorization: Bearer TOKEN` of /predict and /metrics; None for open access.
        hosts: names in the Host header; others are refused, so that no web page can reach a local
            server under a name of its own (DNS rebinding). None: any.
    """
    guard = functools.partial(_guarded, token, hosts)
    return Starlette(
        routes=[
            Route("/", guard(_help), methods=["GET"]),
            Route("/health", guard(functools.partial(_health, service)), methods=["GET"]),
            Route(
                "/metrics",
                guard(functools.partial(_metrics, service), is_open=False),
                methods=["GET"],
            ),
            Route(
                "/predict",
                guard(functools.partial(_predict, service), is_open=False),
                methods=["POST"],
            ),
        ],
        exception_handlers={HTTPException: _refused, Exception: _failed},
    )


def _guarded(
    token: str | None, hosts: Collection[str] | None, handler: _Handler, is_open: bool = True
) -> _Handler:
    """Check the Host and the token of a request before it is handled."""

    async def guarded(request: Request) -> Response:
        host = request.headers.get("host", "").lower()
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if hosts is not None and name not in hosts:
            return _error(RequestError(421, "This server does not answer under this name"))
        if token is not None and not is_open:
            header = request.headers.get("authorization", "")
            if not hmac.compare_digest(header.encode(), f"Bearer {token}".encode()):
                response = _error(RequestError(401, "A valid token is needed"))
                response.headers["WWW-Authenticate"] = "Bearer"
                return response
        return await handler(request)

    return guarded


async def _predict(service: Service, request: Request) -> Response:
    """Answer a request for a prediction."""
    start = time.monotonic()
    try:
        service.enter()
    except RequestError as error:
        service.measurements.request(error.status, time.monotonic() - start)
        return _error(error)
    status = 500
    try:
        response = await _answer(service, request, start)
        status = response.status_code
        return response
    except RequestError as error:
        status = error.status
        return _error(error)
    finally:
        service.leave()
        service.measurements.request(status, time.monotonic() - start)


async def _answer(service: Service, request: Request, start: float) -> Response:
    form, selection = _asked(service, request)
    body = await read_body(request, service.limits)
    image = await service.in_thread(decode, body, service.limits)
    decoded = time.monotonic()
    deadline = start + service.limits.seconds
    predictions, milliseconds = await service.predict(image, selection, deadline)
    encode, kind = (as_png, "image/png") if form == "png" else (as_json, "application/json")
    content = await service.in_thread(encode, service.network, image, predictions)
    # In a header: answers to equal requests are equal bytes.
    times = {"decoding": 1000 * (decoded - start), **milliseconds}
    times["total"] = 1000 * (time.monotonic() - start)
    timing = ", ".join(f"{name};dur={value:.2f}" for name, value in times.items())
    return Response(content, media_type=kind, headers={"Server-Timing": timing})


def _asked(service: Service, request: Request) -> tuple[str, Selection]:
    """Format and selection of a request.

    Raises:
        RequestError: an unknown parameter, or a value out of range.
    """
    query = request.query_params
    for name in query:
        if name not in _PARAMETERS:
            raise RequestError(400, f"Unknown parameter; known: {', '.join(_PARAMETERS)}")
    form = query.get("format", "json")
    if form not in ("json", "png"):
        raise RequestError(400, "format is json or png")
    changes: dict[str, Any] = {}
    try:
        if "threshold" in query:
            changes["threshold"] = float(query["threshold"])
        if "max_detections" in query:
            changes["most"] = int(query["max_detections"])
        if "classes" in query:
            changes["classes"] = tuple(query["classes"].split(","))
        selection = replace(service.selection, **changes)
        selection.check(service.network.heads)
    except ValueError:
        raise RequestError(400, "threshold is a number, max_detections a whole number") from None
    except ConfigError as error:
        raise RequestError(400, error.what) from None
    return form, selection


async def _health(service: Service, request: Request) -> Response:
    is_alive = service.batcher.is_alive
    content = {
        "status": "ok" if is_alive else "the network's thread has ended",
        "heads": [head.name for head in service.network.heads],
        "batch_rows": list(service.batcher.model.sizes.rows),
        "waiting": service.batcher.waiting,
    }
    return JSONResponse(content, 200 if is_alive else 503)


async def _metrics(service: Service, request: Request) -> Response:
    text = service.measurements.text(service.batcher.waiting, service.in_flight)
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4")


async def _help(request: Request) -> Response:
    return PlainTextResponse(HELP)


def _error(error: RequestError) -> Response:
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return JSONResponse({"error": error.message}, error.status, headers)


async def _refused(request: Request, error: Exception) -> Response:
    """Answer 404 and 405 as JSON."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    text = str(error.detail) if isinstance(error, HTTPException) else "error"
    return JSONResponse({"error": text}, status, dict(headers or {}))


async def _failed(request: Request, error: Exception) -> Response:
    """Answer 500; what failed is in the log, not in the answer."""
    _log.error("a request failed", exc_info=error)
    return JSONResponse({"error": "The server failed; its log says why"}, 500)
