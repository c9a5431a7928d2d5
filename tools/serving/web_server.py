"""A web server on a socket that listens before anything else is made."""

from __future__ import annotations

import socket
from typing import Any

from densefit.errors import ConfigError


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; made first, so that a wrong port is an error at once.

    Args:
        host: address or name of this machine, with IPv6 in brackets or not.
        port: its port; 0 for any.

    Raises:
        ConfigError: the address cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host.strip("[]"), port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise ConfigError(
            f"The server cannot listen: {getattr(error, 'strerror', None) or error}",
            received=f"{host}:{port}",
            fix="--port 0 takes any free port",
        ) from error
    return listener


def run(app: Any, listener: socket.socket, seconds: float) -> None:
    """Answer requests until SIGINT or SIGTERM.

    Args:
        app: an ASGI application.
        listener: the socket.
        seconds: for which requests that were admitted are waited for at the end.
    """
    import uvicorn  # of the extra `serve`

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        ws="none",
        lifespan="off",
        proxy_headers=False,  # an address in a header is not believed
        server_header=False,
        timeout_graceful_shutdown=int(seconds) + 1,
    )
    uvicorn.Server(config).run(sockets=[listener])
