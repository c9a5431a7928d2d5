"""YAML reader of recipes, run records and values on the command line."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import yaml

from densefit.errors import ConfigError
from densefit.yaml_files.words import meaning

LARGEST = 4 << 20  # bytes of a file
MOST = 200_000  # values of a document; an alias counts as all values of its anchor
DEEPEST = 50

_TAG = "tag:yaml.org,2002:"
_KINDS: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    "null": type(None),
}


def load(text: str) -> Any:
    """Parse a YAML text; raises ConfigError with the line of an error."""
    return Document(text).value


def read_document(path: str | Path, what: str = "recipe") -> Document:
    """Read and parse a YAML file.

    Args:
        path: the file.
        what: kind of the file, for errors.

    Raises:
        ConfigError: the file is not a regular file, cannot be read, is empty, too large, not UTF-8
            or not YAML.
    """
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "no regular file"
            raise ConfigError(f"There is no {what}: this is {kind}", where=path)
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise ConfigError(f"There is no such {what}", received=str(path)) from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"The {what} cannot be read: {reason}", where=path) from None
    if len(data) > LARGEST:
        raise ConfigError(f"The {what} has more than {LARGEST} bytes", where=path)
    try:
        marked = data[:2] in (b"\xff\xfe", b"\xfe\xff")
        text = data.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        lines = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"The {what} is not UTF-8",
            received=f"the byte 0x{data[error.start]:02x}",
            where=f"{path}, line {lines}",
            fix="save it as UTF-8 in the editor",
        ) from None
    if not text.strip():
        raise ConfigError(f"The {what} is empty", where=path)
    return Document(text, path)


class Document:
    """Parsed YAML text, with aliases expanded, so that no values are shared.

    Args:
        text: YAML, one document.
        name: name of the file, for errors.

    Attributes:
        name: name of the file.
        value: dicts, lists, strings, numbers, booleans and None.
        lines: dotted key -> line, from 1.

    Raises:
        ConfigError: the text is not YAML, repeats a key, or has too many aliased values.
    """

    def __init__(self, text: str, name: object = None) -> None:
        self.name = name
        self.lines: dict[str, int] = {}
        self._anchors: dict[str, tuple[Any, int] | None] = {}
        self._count = 0
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            self._events: Iterator[Any] = yaml.parse(text, Loader=loader)
            self.value = self._document()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            lines = text.splitlines()
            line = None if mark is None else min(mark.line + 1, len(lines))
            indent = lines[line - 1] if line else ""
            tab = "\t" in indent[: len(indent) - len(indent.lstrip())]
            fix = "indent with spaces, not with tabs" if tab else None
            self._refuse(f"This is not YAML: {error.problem or error.context}", line, fix=fix)
        except UnicodeEncodeError:
            self._refuse("The text has bytes that are no characters", None, received=ascii(text))
        except yaml.reader.ReaderError as error:
            # The C reader counts bytes, the Python one characters.
            bad = next((c for c in text if ord(c) == error.character), None)
            line = None if bad is None else text[: text.index(bad)].count("\n") + 1
            self._refuse(f"This is not YAML: {error.reason}", line)

    def where(self, line: int | None = None) -> str | None:
        """Return the location of a line: file and line."""
        parts = [] if self.name is None else [str(self.name)]
        return ", ".join([*parts, *([] if line is None else [f"line {line}"])]) or None

    def where_of(self, key: str) -> str | None:
        """Return the file and the line of a dotted key, or of the nearest group around it."""
        while key and key not in self.lines:
            key = key.rpartition(".")[0]
        return self.where(self.lines.get(key))

    def _refuse(self, what: str, line: int | None, **about: Any) -> NoReturn:
        raise ConfigError(what, where=self.where(line), **about) from None

    def _document(self) -> Any:
        next(self._events)  # the stream starts
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return None
        value = self._node(next(self._events), "", 0)
        next(self._events)  # the document ends
        event = next(self._events)
        if not isinstance(event, yaml.StreamEndEvent):
            self._refuse("A second document begins", event.start_mark.line + 1, expected="one")
        return value

    def _node(self, event: Any, key: str, depth: int) -> Any:
        line = event.start_mark.line + 1
        if depth > DEEPEST:
            self._refuse(f"Lists and mappings lie in each other more than {DEEPEST} deep", line)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(str(event.anchor), line)
        if event.anchor is not None:
            self._anchors[event.anchor] = None  # until its end: an alias inside would recurse
        before = self._count
        self._counted(1, line)
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event, line)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._check_tag(event.tag, "seq", line)
            value = []
            while not isinstance(item := next(self._events), yaml.SequenceEndEvent):
                value.append(self._node(item, f"{key}.{len(value)}", depth + 1))
        else:
            self._check_tag(event.tag, "map", line)
            value = self._mapping(key, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._count - before)
        return value

    def _alias(self, anchor: str, line: int) -> Any:
        if anchor not in self._anchors:
            self._refuse(f"Nothing before has the anchor {anchor!r}", line, received=f"*{anchor}")
        anchored = self._anchors[anchor]
        if anchored is None:
            self._refuse(f"The anchor {anchor!r} contains itself", line, received=f"*{anchor}")
        value, count = anchored
        self._counted(count, line)
        return _copied(value)

    def _counted(self, more: int, line: int) -> None:
        self._count += more
        if self._count > MOST:
            self._refuse(
                f"The document has more than {MOST} values",
                line,
                expected="fewer; each alias (*name) counts as all that it stands for",
            )

    def _mapping(self, where: str, depth: int) -> dict[Any, Any]:
        entries: dict[Any, Any] = {}
        merged: dict[Any, Any] = {}
        lines: dict[Any, int] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            merge = (
                isinstance(event, yaml.ScalarEvent) and event.implicit[0] and event.value == "<<"
            )
            key = "<<" if merge else self._node(event, where, depth + 1)
            if isinstance(key, (dict, list)):
                self._refuse("A key is a list or a mapping", line, expected="a word")
            if key in lines:
                self._refuse(
                    f"The key {key!r} is given twice",
                    line,
                    received=f"lines {lines[key]} and {line}",
                    fix="leave one of them out",
                )
            lines[key] = line
            path = f"{where}.{key}" if where else str(key)
            self.lines[path] = line
            event = next(self._events)
            self._check_blank(key, event, line)
            value = self._node(event, path, depth + 1)
            if not merge:
                entries[key] = value
                continue
            for mapping in value if isinstance(value, list) else [value]:
                if not isinstance(mapping, dict):
                    self._refuse("<< takes in mappings", line, received=repr(mapping))
                merged = {**mapping, **merged}
        return {**merged, **entries}

    def _check_blank(self, key: Any, value: Any, line: int) -> None:
        """Refuse `{width:16}`, which is YAML for the key "width:16" without a value."""
        match = re.fullmatch(r"([\w.]+):(\S+)", key) if isinstance(key, str) else None
        is_empty = isinstance(value, yaml.ScalarEvent) and value.implicit[0] and value.value == ""
        if match and is_empty:
            self._refuse(
                "A blank is missing behind a colon",
                line,
                received=key,
                fix=f"{match[1]}: {match[2]}",
            )

    def _scalar(self, event: Any, line: int) -> Any:
        kind = None if event.tag in (None, "!") else event.tag[len(_TAG) :]
        if kind is not None and (kind not in _KINDS or not event.tag.startswith(_TAG)):
            self._refuse("A tag of YAML is not known here", line, received=event.tag)
        if kind == "str" or (kind is None and (event.tag == "!" or not event.implicit[0])):
            return event.value
        try:
            value = meaning(event.value)
        except ConfigError as error:
            self._refuse(error.what, line, received=error.received, fix=error.fix)
        if kind is not None and not isinstance(value, _KINDS[kind]):
            self._refuse(f"This is no {kind}", line, received=f"!!{kind} {event.value}")
        return float(value) if kind == "float" else value

    def _check_tag(self, tag: str | None, kind: str, line: int) -> None:
        if tag not in (None, "!", f"{_TAG}{kind}"):
            self._refuse("A tag of YAML is not known here", line, received=tag)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value
