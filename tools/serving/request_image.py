"""The image in a request: raw bytes or a multipart form, checked before it is decoded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import numpy as np
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from densefit.data.io.image import decode_image
from densefit.data.io.image_header import stated_size
from densefit.errors import DataError
from densefit.tools.serving.errors import RequestError
from densefit.tools.serving.limits import Limits

_RAW = ("application/octet-stream", "")
_FORM = "multipart/form-data"
_NAME = "the request's image"


async def read_body(request: Request, limits: Limits) -> bytes:
    """Read the bytes of the image.

    Raises:
        RequestError: another type of content, too many bytes, a broken form, or a client that is
            too slow.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (_FORM, *_RAW) and not kind.startswith("image/"):
        raise RequestError(
            415,
            "Send the bytes of an image (Content-Type image/*), or a multipart form",
        )
    stated = request.headers.get("content-length", "0")
    if stated.isascii() and stated.isdigit() and int(stated[:19]) > limits.body:
        raise _too_large(limits)
    try:
        body = await asyncio.wait_for(_all_of(request, limits), limits.seconds)
    except (TimeoutError, asyncio.TimeoutError):
        raise RequestError(408, f"The body did not come within {limits.seconds:g} s") from None
    except ClientDisconnect:
        raise RequestError(400, "The body is cut short") from None
    if kind == _FORM:
        body = await _file_of(request, body, limits)
    if not body:
        raise RequestError(400, "There is no image in the request")
    return body


def decode(body: bytes, limits: Limits) -> np.ndarray:
    """Decode the bytes of an image to (H, W, 3) uint8 RGB.

    Raises:
        RequestError: no image, a broken one, or one of too many pixels.
    """
    try:
        size = stated_size(body, exif=False)
        if size is None:
            raise RequestError(400, "The bytes are not those of an image that can be read")
        if size[0] * size[1] > limits.pixels:
            raise RequestError(
                413, f"The image has {size[0] * size[1]} pixels; at most {limits.pixels} are taken"
            )
        return decode_image(body, _NAME)
    except DataError as error:
        raise RequestError(400, error.what) from error


async def _all_of(request: Request, limits: Limits) -> bytes:
    """Collect the body, which need not state its length."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limits.body:
            raise _too_large(limits)
        parts.append(part)
    return b"".join(parts)


async def _file_of(request: Request, body: bytes, limits: Limits) -> bytes:
    """The only file of a form; its name is not looked at."""

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body
        yield b""

    parser = MultiPartParser(request.headers, stream(), max_files=1, max_fields=8)
    parser.spool_max_size = limits.body + 1  # in memory, where the body is anyway
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        text = getattr(error, "message", None) or "it has no boundary, or is broken"
        raise RequestError(400, f"The form cannot be read: {text}") from error
    files: list[Any] = [value for value in form.values() if isinstance(value, UploadFile)]
    try:
        if len(files) != 1:
            raise RequestError(400, "The form has no file: send the image as a file")
        content: bytes = await files[0].read()
        return content
    finally:
        await form.close()


def _too_large(limits: Limits) -> RequestError:
    return RequestError(413, f"The body is larger than {limits.body} bytes")
