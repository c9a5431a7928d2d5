"""A server of a trained network in this process, and requests to it."""

import http.client
import json
import threading
import time
from contextlib import contextmanager

import uvicorn

from densefit.tools.serving.app import make_app
from densefit.tools.serving.web_server import listening


@contextmanager
def serving(service, token=None, hosts=("127.0.0.1",)):
    """Serve; yields a function that sends a request."""
    listener = listening("127.0.0.1", 0)
    app = make_app(service, token, hosts)
    config = uvicorn.Config(
        app, log_level="critical", access_log=False, ws="none", lifespan="off", proxy_headers=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.005)
    address = listener.getsockname()
    try:
        yield lambda *parts, **more: ask(address, *parts, **more)
    finally:
        server.should_exit = True
        thread.join()
        service.close()


def ask(address, method, path, body=None, headers=None):
    """(status, body, headers); a JSON body is parsed."""
    connection = http.client.HTTPConnection(*address, timeout=60)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        content = response.read()
        if response.headers.get("content-type") == "application/json":
            return response.status, json.loads(content), response.headers
        return response.status, content, response.headers
    finally:
        connection.close()


def wait_for(address):
    """Wait until the server is healthy."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if ask(address, "GET", "/health")[0] == 200:
                return
        except ConnectionRefusedError:
            time.sleep(0.01)
    raise TimeoutError(address)
