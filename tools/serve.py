"""Serve predictions over HTTP: `densefit serve --checkpoint runs/NAME`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from densefit.errors import MissingPackageError
from densefit.tools.predicting.drawing_thresholds import set_thresholds
from densefit.tools.predicting.make_predictor import load_network
from densefit.tools.predicting.settings import PredictionSettings, needs_recipe
from densefit.tools.recipes.checkpoint_settings import settings
from densefit.tools.recipes.program import program
from densefit.tools.recipes.words.command_line import with_lists
from densefit.tools.serving import web_server
from densefit.tools.serving.limits import Limits

_LOCAL = ("127.0.0.1", "localhost", "[::1]", "::1")
TOKEN = "DENSEFIT_TOKEN"


@dataclass
class Serving(PredictionSettings):
    __doc__ = f"""{str(PredictionSettings.__doc__).rstrip()}
        host: address to listen on; 127.0.0.1 is reached from this machine alone.
        port: port to listen on; 0 for any that is free.
        token: requests need `Authorization: Bearer TOKEN`; by default the environment's
            DENSEFIT_TOKEN, which other users of the machine cannot read.
        wait_ms: longest time in milliseconds that an image waits for others to share its batch.
        max_body: largest body of a request in bytes.
        max_pixels: largest image in pixels.
        max_seconds: longest time of a request.
        max_requests: requests at a time; further ones get 503 and when to try again.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    wait_ms: float = 5.0
    max_body: int = Limits.body
    max_pixels: int = Limits.pixels
    max_seconds: float = Limits.seconds
    max_requests: int = Limits.in_flight


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    text = "Serve predictions over HTTP: POST an image to /predict."
    words = with_lists(sys.argv[1:] if arguments is None else arguments, ("classes",))
    is_needed = needs_recipe(words)
    return program(lambda: run(*settings(Serving, text, words, needs_recipe=is_needed)))


def run(chosen: Serving, checkpoint: Path) -> None:
    """Serve until SIGINT or SIGTERM; requests that were admitted are answered first."""
    try:
        import python_multipart  # noqa: F401  # which starlette imports for forms
        import uvicorn  # noqa: F401

        from densefit.tools.serving.app import make_app
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            "The server needs packages that are not installed",
            received=str(error),
            fix='pip install "densefit[serve]"',
        ) from error
    from densefit.tools.serving.make_service import description, make_service

    limits = Limits(
        chosen.max_body,
        chosen.max_pixels,
        chosen.max_seconds,
        chosen.max_requests,
        chosen.wait_ms / 1000,
    )
    network = load_network(chosen, checkpoint)
    for line in set_thresholds(network, checkpoint, chosen.threshold):
        print(line)
    with web_server.listening(chosen.host, chosen.port) as listener:
        service = make_service(chosen, network, limits)
        token = chosen.token or os.environ.get(TOKEN) or None
        host, port = listener.getsockname()[:2]
        print(description(checkpoint, network, service.batcher.model.sizes))
        if chosen.host not in _LOCAL and token is None:
            print(f"anybody who reaches {chosen.host} can ask: --token or {TOKEN} prevents it")
        address = f"[{host}]" if ":" in host else host
        print(f"serving on http://{address}:{port}/ (Ctrl-C ends it)", flush=True)
        app = make_app(service, token, _LOCAL if chosen.host in _LOCAL else None)
        try:
            web_server.run(app, listener, limits.seconds)
        finally:
            service.close()


if __name__ == "__main__":
    sys.exit(main())
