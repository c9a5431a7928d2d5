"""Annotations in XML, in the encoding that they declare."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from densefit.data.io.regular_file import read_regular
from densefit.errors import DataError

from .text_file import ENCODING, in_named_encoding

_MOST_BYTES = 64 << 20  # elements take some fifty times the memory of their text
_DECLARED = re.compile(
    rb"""(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']"""
)
#: What the parser itself decodes.
_KNOWN = (b"utf-8", b"utf-16", b"us-ascii", b"iso-8859-1")
#: Encodings that hold all characters of another, under whose name files are written.
_LARGER = {"gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "big5": "cp950"}


def read_xml(path: Path) -> ElementTree.Element:
    """The root of an XML file.

    Python's parser knows few encodings; of others (GB2312, Shift_JIS, Big5...) it gets the text.

    Raises:
        DataError: the file cannot be read, is not XML, declares an encoding that its bytes are not
            in, or declares entities, which may grow without end.
    """
    data = read_regular(path, _MOST_BYTES, what="The annotation")
    if b"<!ENTITY" in data or b"\0" in data and "<!ENTITY" in _decoded(data, path):
        raise DataError(
            "The annotation declares entities, which annotations have no use for",
            received="<!ENTITY",
            where=path,
            fix="remove the declaration: the five of XML itself need none",
        )
    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        declared = _DECLARED.match(data)
        if declared is not None and declared.group(1).lower() not in _KNOWN:
            text = _decoded(data, path)
        elif declared is None and not _is_utf(data):
            named = in_named_encoding(data, path)
            if named is None:
                raise _no_xml(path, error) from error
            text = named
        else:
            raise _no_xml(path, error) from error
    try:
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise _no_xml(path, error) from error


def _is_utf(data: bytes) -> bool:
    """Whether the bytes are text in UTF-8, UTF-16 or UTF-32."""
    try:
        data.decode(json.detect_encoding(data))
    except UnicodeDecodeError:
        return False
    return True


def _decoded(data: bytes, path: Path) -> str:
    """The text, by the byte order mark or the declared encoding.

    Bytes that are not in it, and are UTF-8, are UTF-8: tools copy declarations.
    """
    encoding: str = json.detect_encoding(data)
    declared = _DECLARED.match(data)
    if encoding == "utf-8" and declared is not None:
        encoding = declared.group(1).decode("ascii")
    for name in (encoding, _LARGER.get(encoding.lower(), encoding), "utf-8"):
        try:
            text = data.decode(name)
        except (UnicodeError, LookupError):
            continue
        return text[1:] if text.startswith("\ufeff") else text
    raise DataError(
        "The annotation is not in the encoding that it declares",
        expected=encoding,
        received=f"{data[:60]!r}",
        where=path,
        fix='write it in UTF-8, and encoding="UTF-8" into its first line',
    )


def _no_xml(path: Path, error: Exception) -> DataError:
    fix = None
    if "invalid token" in str(error):
        fix = (
            'if it is text in another encoding: <?xml version="1.0" encoding="GBK"?> says which, '
            f"or {ENCODING}=gb18030 in the environment"
        )
    return DataError(f"The annotation is not valid XML: {error}", where=path, fix=fix)
