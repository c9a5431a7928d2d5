"""Large XML files, an element of the root at a time."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.parsers import expat

from densefit.data.io.regular_file import open_regular
from densefit.errors import DataError

from .text_file import MOST_BYTES

_CHUNK = 1 << 20
_DEEPEST = 64  # elements in each other


def root_children(path: Path) -> Iterator[ElementTree.Element]:
    """Yield the children of the root element one after another, so that few are in memory.

    Args:
        path: of the file, in an encoding that Python's parser knows: UTF-8, UTF-16, Latin-1...

    Raises:
        DataError: the file cannot be read, is no XML, is nested too deeply, or declares a document
            type: entities may grow without end, or name other files.
    """
    descriptor, size = open_regular(path, "The annotation")
    try:
        if size > MOST_BYTES:
            raise DataError(
                "The annotation is too large",
                expected=f"at most {MOST_BYTES:,} bytes",
                received=f"{size:,} bytes",
                where=path,
            )
        collector = _Collector(path)
        while True:
            data = os.read(descriptor, _CHUNK)
            collector.feed(data)
            yield from collector.take()
            if not data:
                return
    except OSError as error:
        raise DataError(f"The annotation cannot be read: {error.strerror}", where=path) from error
    finally:
        os.close(descriptor)


class _Collector:
    """Builds the elements below the root."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: list[ElementTree.Element] = []  # from the root's child on
        self._is_in_root = False
        self._complete: list[ElementTree.Element] = []
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        handlers: dict[str, Any] = {
            "StartElementHandler": self._start,
            "EndElementHandler": self._end,
            "CharacterDataHandler": self._text,
            "StartDoctypeDeclHandler": self._refuse,
        }
        for name, handler in handlers.items():
            setattr(self._parser, name, handler)

    def feed(self, data: bytes) -> None:
        """Parse a part of the file; no bytes: its end."""
        try:
            self._parser.Parse(data, not data)
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise DataError(
                f"The annotation is not valid XML: {error}", where=self._path
            ) from error

    def take(self) -> list[ElementTree.Element]:
        """The elements that are complete since the last call."""
        elements, self._complete = self._complete, []
        return elements

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self._is_in_root:
            self._is_in_root = True
            return
        if len(self._open) >= _DEEPEST:
            raise DataError(
                "The annotation is not valid: its elements lie too deep in each other",
                expected=f"at most {_DEEPEST} levels",
                where=f"{self._path}, line {self._parser.CurrentLineNumber}",
            )
        element = ElementTree.Element(tag, attributes)
        if self._open:
            self._open[-1].append(element)
        self._open.append(element)

    def _end(self, tag: str) -> None:
        if not self._open:
            return
        element = self._open.pop()
        if not self._open:
            self._complete.append(element)

    def _text(self, text: str) -> None:
        if self._open and not len(self._open[-1]):
            self._open[-1].text = (self._open[-1].text or "") + text

    def _refuse(self, *declaration: object) -> None:
        raise DataError(
            "The annotation declares a document type, which annotations have no use for",
            received=f"<!DOCTYPE {str(declaration[0]):.60}",
            where=self._path,
            fix="remove the declaration",
        )
