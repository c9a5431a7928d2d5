"""Requests that a server must refuse, each with the status that it must have."""

from __future__ import annotations

import http.client
import socket
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

Request = dict[str, Any]
_FORM = {"Content-Type": "multipart/form-data; boundary=x"}
_PART = b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
_FILE = b'; filename="a.png"'


def bad_requests(token: str, body: int) -> list[tuple[str, int, Request]]:
    """(what is wrong, status, request): 24 kinds.

    Args:
        token: the server's token.
        body: the largest body that it takes, in bytes.
    """
    good = encoded(".png")
    host = {"Host": "127.0.0.1"}
    return [
        ("empty body", 400, request(b"")),
        ("no image", 400, request(b"no image at all")),
        ("PNG cut short", 400, request(good[: len(good) // 2])),
        ("JPEG cut short", 400, request(encoded(".jpg")[:700])),
        ("PNG with a wrong checksum", 400, request(good[:60] + b"\0\1\2" + good[63:])),
        ("PNG of 60000 x 60000 pixels", 413, request(bomb())),
        ("PNG without pixels", 400, request(bomb(0))),
        ("JSON", 415, request(b'{"image": "/etc/passwd"}', {"Content-Type": "application/json"})),
        ("form without a boundary", 400, request(good, {"Content-Type": "multipart/form-data"})),
        ("form with a path and no file", 400, request(form((b"path", b"", b"/etc/passwd")), _FORM)),
        ("form of two files", 400, request(form(*[(b"image", _FILE, good)] * 2), _FORM)),
        ("form cut short", 400, request(form((b"image", _FILE, good))[:-40], _FORM)),
        ("more bytes than are taken", 413, request(bytes(body + 1))),
        ("more bytes in chunks", 413, request(chunks(body))),
        ("unknown parameter", 400, request(good, path="/predict?url=http://127.0.0.1/")),
        ("threshold that is no number", 400, request(good, path="/predict?threshold=high")),
        ("threshold nan", 400, request(good, path="/predict?threshold=nan")),
        ("no detections at most", 400, request(good, path="/predict?max_detections=0")),
        ("unknown class", 400, request(good, path="/predict?classes=unicorn")),
        ("unknown format", 400, request(good, path="/predict?format=exe")),
        ("another method", 405, {**request(None), "method": "DELETE"}),
        ("another path", 404, request(good, path="/../../etc/passwd")),
        ("another host name", 421, request(good, {**host, "Host": "evil.example"})),
        ("wrong token", 401, request(good, {"Authorization": f"Bearer {token}x"})),
    ]


def request(body: Any, headers: dict[str, str] | None = None, path: str = "/predict") -> Request:
    """A POST."""
    kind = {"Content-Type": "image/png"}
    return {"method": "POST", "url": path, "body": body, "headers": {**kind, **(headers or {})}}


def send(address: tuple[str, int], token: str, asked: Request) -> tuple[int, bytes]:
    """(status, body) of the answer."""
    connection = http.client.HTTPConnection(*address, timeout=60)
    headers = {"Authorization": f"Bearer {token}", **asked["headers"]}
    try:
        connection.request(**{**asked, "headers": headers})
        response = connection.getresponse()
        return response.status, response.read()
    except (BrokenPipeError, ConnectionResetError):
        # The server has answered and closed before the whole body was sent.
        try:
            response = http.client.HTTPResponse(connection.sock)
            response.begin()
            return response.status, response.read()
        except (OSError, http.client.HTTPException, AttributeError):
            return 0, b""
    finally:
        connection.close()


def garbage(address: tuple[str, int]) -> bytes:
    """The first line of the answer to bytes that are no HTTP."""
    with socket.create_connection(address, timeout=30) as client:
        client.sendall(b"\x16\x03\x01\x02\x00 no HTTP\r\n\r\n")
        return client.recv(1000).partition(b"\r\n")[0]


def encoded(extension: str, size: tuple[int, int] = (64, 80), seed: int = 0) -> bytes:
    """An image file of smooth noise."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (8, 8, 3), np.uint8)
    image = cv2.resize(small, size[::-1], interpolation=cv2.INTER_CUBIC)
    return bytes(cv2.imencode(extension, image)[1])


def form(*parts: tuple[bytes, bytes, bytes]) -> bytes:
    """The body of a multipart form, of (name, file name, content)."""
    return b"".join(_PART % part for part in parts) + b"--x--\r\n"


def bomb(side: int = 60_000) -> bytes:
    """A PNG of a few bytes that states a size."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    content = b"\x89PNG\r\n\x1a\n"
    for name, data in ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")):
        content += struct.pack(">I", len(data)) + name + data
        content += struct.pack(">I", zlib.crc32(name + data))
    return content


def chunks(body: int) -> Iterator[bytes]:
    """A body of more bytes than are taken, of unstated length."""
    for _ in range(body // 65536 + 2):
        yield bytes(65536)
