"""Read a JSON object whose long lists are handed out in pieces, so that they are never in memory.

A list of objects is cut where an object ends, by looks: at "}" with "," and "{" behind it. A cut in
the middle of a string or of a nested list leaves text that is no JSON, so a piece that can be
parsed ends where an object of the list does. Pieces of 256 KiB stay in the processor's cache: they
are parsed in half the time that long ones take.
"""

from __future__ import annotations

import codecs
import gc
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

try:
    from orjson import loads
except ImportError:  # as right, and four times as slow
    from json import loads  # type: ignore[assignment]

_PIECE = 1 << 18  # bytes
_CUTS = 4  # tried a piece
_SPACE = b" \t\n\r"
_DECODER = json.JSONDecoder()

Sink = Callable[[list[Any]], None]


class UnusualJsonError(Exception):
    """The text is no JSON object in UTF-8 with different keys, or is no JSON at all."""


def read_lists(data: bytes, sinks: Mapping[str, Sink]) -> dict[str, Any]:
    """Parse a JSON object.

    Args:
        data: the text. Numbers of more than 64 bits may become floats.
        sinks: key -> gets the elements of the list that is the key's value, some hundreds at a
            time and in their order.

    Returns:
        The values of the other keys.

    Raises:
        UnusualJsonError: only a reader of whole files can tell what this is. The sinks may have
            got elements.
    """
    with _no_collection():
        return dict(_Object(data, sinks).values())


class _Object:
    """Reads a text from its start to its end; see `read_lists`."""

    def __init__(self, data: bytes, sinks: Mapping[str, Sink]) -> None:
        self._data, self._sinks, self._at = data, sinks, 0

    def values(self) -> Iterator[tuple[str, Any]]:
        """Key and value, of keys without a sink."""
        keys: set[str] = set()
        self._take(b"{")
        while not self._is_next(b"}"):
            if keys:
                self._take(b",")
            key = self._value()
            self._take(b":")
            if type(key) is not str or key in keys:
                raise UnusualJsonError(f"key {key!r:.40}")
            keys.add(key)
            if key in self._sinks and self._is_next(b"["):
                self._list(self._sinks[key])
            else:
                yield key, self._value()
        self._take(b"}")
        if self._data[self._at :].strip(_SPACE):
            raise UnusualJsonError("text behind the end")

    def _list(self, sink: Sink) -> None:
        self._take(b"[")
        if self._is_next(b"]"):
            return self._take(b"]")
        while True:
            sink(self._piece() or self._few())
            if self._is_next(b"]"):
                return self._take(b"]")
            self._take(b",")

    def _piece(self) -> list[Any] | None:
        """The next elements, up to one that ends within a piece; None if no cut is good."""
        data, end = self._data, self._at + _PIECE
        for _ in range(_CUTS):
            end = data.rfind(b"},", self._at, end)
            if end < 0:
                return None
            behind = data[end + 2 : end + 200].lstrip(_SPACE)
            if behind.startswith(b"{"):
                text = b"[" + data[self._at : end + 1] + b"]"
                try:  # json alone takes NaN
                    elements = (json.loads if b"NaN" in text else loads)(text)
                except ValueError:
                    continue
                self._at = end + 1
                return list(elements)
        return None

    def _few(self) -> list[Any]:
        """One or more elements, by a parser that sees where each ends."""
        elements, end = [self._value()], self._at + _PIECE
        while self._at < end and self._is_next(b","):
            self._take(b",")
            elements.append(self._value())
        return elements

    def _value(self) -> Any:
        """The next value."""
        self._skip_space()
        length = 1 << 12
        while True:
            piece = self._data[self._at : self._at + length]
            is_last = self._at + length >= len(self._data)
            try:
                text = codecs.getincrementaldecoder("utf-8")().decode(piece, is_last)
                value, end = _DECODER.raw_decode(text)
                if end < len(text) or is_last:
                    self._at += end if text.isascii() else len(text[:end].encode())
                    return value
            except (ValueError, RecursionError) as error:
                if is_last or isinstance(error, (RecursionError, UnicodeDecodeError)):
                    raise UnusualJsonError(str(error)) from error
            if is_last:
                raise UnusualJsonError("the text breaks off")
            length *= 8

    def _is_next(self, token: bytes) -> bool:
        self._skip_space()
        return self._data[self._at : self._at + 1] == token

    def _take(self, token: bytes) -> None:
        if not self._is_next(token):
            raise UnusualJsonError(f"no {token!r} at byte {self._at}")
        self._at += 1

    def _skip_space(self) -> None:
        while self._data[self._at : self._at + 1] in (b" ", b"\t", b"\n", b"\r"):
            self._at += 1


def last_value(data: bytes, key: str, window: int = 1 << 22) -> Any:
    """The value that seems to be that of a key near the end; None if nothing does.

    Args:
        data: JSON text.
        key: to look for.
        window: bytes at the end to look at.
    """
    at = data.rfind(f'"{key}"'.encode(), max(0, len(data) - window))
    if at < 0:
        return None
    try:
        text = data[at + len(key) + 2 :].decode().lstrip(": \t\r\n")
        return _DECODER.raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None


@contextmanager
def _no_collection() -> Iterator[None]:
    """Parsing makes many lists, and no cycles that a collection would free."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
