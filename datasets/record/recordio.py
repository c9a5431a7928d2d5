"""RecordIO, the file of records of MXNet's tools: its framing and its headers.

A record is the number 0xced7230a, a word with a flag (3 bits) and a length (29 bits), the data and
zeros up to a multiple of 4. Where the data hold that number themselves, at a multiple of 4, the
record is cut there into parts without it (flags 1, 2..., 3), so that a reader that starts
anywhere finds a beginning. The index beside it, `.idx`, has a line a record: key, tab, offset.

The data of a picture's record begin with a header: a flag, a label, and two ids. A flag over 0 is
the number of labels, which follow the header as float32.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from densefit.data.io.regular_file import open_regular, read_regular
from densefit.datasets.objects.text_column import TextColumn
from densefit.errors import DataError
from densefit.process.system_calls import read_at

_MAGIC = struct.pack("<I", 0xCED7230A)
_FRAME = struct.Struct("<II")
_HEADER = struct.Struct("<IfQQ")
_LARGEST = (1 << 29) - 1
_AHEAD = 1 << 16
_AHEAD_LABELS = 1 << 12  # a page of the disk; 800 objects
_LARGEST_INDEX = 1 << 31
_NO_INDEX = "remove it: the offsets are then found in the records"
_LINE = re.compile(r"([^\t]+)\t *([0-9]{1,18}) *\r?")


def frame(data: bytes) -> bytes:
    """`data` as a record.

    Raises:
        DataError: the data are too long for the format.
    """
    if len(data) > _LARGEST:
        raise DataError(
            "A record is too long", expected=f"at most {_LARGEST} bytes", received=len(data)
        )
    cuts, position = [], data.find(_MAGIC)
    while position >= 0:
        if position % 4 == 0:
            cuts.append(position)
        position = data.find(_MAGIC, position + (4 if position % 4 == 0 else 1))
    starts, ends = [0, *(cut + 4 for cut in cuts)], [*cuts, len(data)]
    written = []
    for number, (start, end) in enumerate(zip(starts, ends)):
        flag = 0 if not cuts else 1 if number == 0 else 3 if number == len(cuts) else 2
        written += [_MAGIC, struct.pack("<I", flag << 29 | end - start), data[start:end]]
    return b"".join([*written, bytes(-len(data) % 4)])


def with_header(labels: float | np.ndarray, key: int, data: bytes) -> bytes:
    """Picture data behind the header that im2rec writes."""
    if isinstance(labels, np.ndarray):
        values = labels.astype("<f4").ravel()
        return _HEADER.pack(len(values), 0.0, key, 0) + values.tobytes() + data
    return _HEADER.pack(0, labels, key, 0) + data


def split_header(data: bytes, where: object) -> tuple[float | np.ndarray, memoryview]:
    """The labels (a number, or (n,) float32) and what is behind them.

    Raises:
        DataError: the record is too short for them.
    """
    count = _HEADER.unpack_from(data)[0] if len(data) >= _HEADER.size else 0
    end = _HEADER.size + 4 * count
    if len(data) < end or len(data) < _HEADER.size:
        raise DataError(
            "The record is too short for its header",
            expected=f"at least {end} bytes",
            received=f"{len(data)} bytes",
            where=where,
        )
    view = memoryview(data)
    if count:
        return np.frombuffer(view[_HEADER.size : end], "<f4").astype(np.float32), view[end:]
    return float(_HEADER.unpack_from(data)[1]), view[end:]


class RecordFile:
    """Records by number; any number of threads and processes may read at once.

    Reads do not share a position, and a copy in another process opens the file anew.

    Args:
        path: the `.rec` file. The offsets come from the `.idx` beside it, or, if there is none,
            out of the file itself.

    Attributes:
        keys: of the index, as texts, in its order.

    Raises:
        DataError: a file is missing or is not one of records.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._open()
        index = self.path.with_suffix(".idx")
        keys, offsets = self._read_index(index) if index.is_file() else self._walk()
        self.keys, self._offsets = TextColumn.of(keys), np.array(offsets, np.int64)

    def __len__(self) -> int:
        return len(self.keys)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_descriptor": -1}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    def __del__(self) -> None:
        if getattr(self, "_descriptor", -1) >= 0:
            os.close(self._descriptor)

    def read(self, number: int) -> bytes:
        """The data of a record.

        Raises:
            DataError: the file is damaged there.
        """
        return self._read_at(int(self._offsets[number]), number)

    def labels(self, number: int) -> float | np.ndarray:
        """The labels of a picture's record, without reading the picture.

        Raises:
            DataError: the file is damaged there, or the record is too short for a header.
        """
        offset = int(self._offsets[number])
        flag, length, block = self._part(offset, number, _AHEAD_LABELS)
        whole = flag != 0
        if not whole and len(block) >= _HEADER.size:
            whole = len(block) < min(length, _HEADER.size + 4 * _HEADER.unpack_from(block)[0])
        return split_header(self.read(number) if whole else block, self.where(number))[0]

    def where(self, number: int) -> str:
        """The record, in words."""
        return f"{self.path}, record {number} (key {self.keys[number]})"

    def _open(self) -> None:
        self._descriptor, self.size = open_regular(self.path)

    def _part(self, offset: int, number: int, ahead: int) -> tuple[int, int, bytes]:
        """Flag and length of the part at `offset`, and up to `ahead` bytes of its data."""
        block = self._pread(_FRAME.size + ahead, offset)
        if len(block) < _FRAME.size or block[:4] != _MAGIC:
            raise self._damaged(number, offset, f"{len(block)} bytes, beginning {block[:8]!r}")
        word = _FRAME.unpack_from(block)[1]
        flag, length = word >> 29, word & _LARGEST
        present = self.size - offset - _FRAME.size
        if length > present:
            raise self._damaged(number, offset, f"{present} of {length} bytes")
        return flag, length, block[_FRAME.size : _FRAME.size + length]

    def _read_at(self, offset: int, number: int) -> bytes:
        """The data of the record that begins at `offset`."""
        parts: list[bytes] = []
        while True:
            flag, length, data = self._part(offset, number, _AHEAD)
            if flag not in ((2, 3) if parts else (0, 1)):
                raise self._damaged(number, offset, f"a part with flag {flag}")
            if len(data) < length:
                data += self._pread(length - len(data), offset + _FRAME.size + len(data))
            if len(data) < length:
                raise self._damaged(number, offset, f"{len(data)} of {length} bytes")
            parts.append(data)
            offset += _FRAME.size + length + -length % 4
            if flag in (0, 3):
                return _MAGIC.join(parts)

    def _pread(self, size: int, offset: int) -> bytes:
        """Up to `size` bytes; fewer only at the end of the file."""
        blocks = []
        while size > 0:
            block = read_at(self._descriptor, size, offset)
            if not block:
                break
            blocks.append(block)
            size, offset = size - len(block), offset + len(block)
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)

    def _damaged(self, number: int, offset: int, received: str) -> DataError:
        return DataError(
            "The file of records is damaged or cut short, or its index is another's",
            expected=f"a whole record at byte {offset} of {self.size}",
            received=received,
            where=f"{self.path}, record {number}",
            fix="pack it again, or fetch both files again",
        )

    def _read_index(self, path: Path) -> tuple[list[str], Sequence[int] | np.ndarray]:
        try:
            text = read_regular(path, _LARGEST_INDEX).decode("utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"The index of the records is no text: {error}", where=path, fix=_NO_INDEX
            ) from error
        plain = _plain_index(text, self.size)
        if plain is not None:
            return plain
        offsets: dict[str, int] = {}
        for number, line in enumerate(text.rstrip("\r\n").split("\n") if text else (), 1):
            match = _LINE.fullmatch(line)
            if match is None or int(match[2]) >= self.size or match[1] in offsets:
                raise DataError(
                    "The index of the records is broken",
                    expected=f"a key of its own, a tab and an offset below {self.size}",
                    received=repr(line[:80]),
                    where=f"{path}, line {number}",
                    fix=_NO_INDEX,
                )
            offsets[match[1]] = int(match[2])
        return list(offsets), list(offsets.values())

    def _walk(self) -> tuple[list[str], list[int]]:
        """Keys and offsets out of the frames alone; the data are stepped over."""
        offsets: list[int] = []
        offset, ended = 0, True
        while offset < self.size:
            if ended:
                offsets.append(offset)
            flag, length, _ = self._part(offset, len(offsets) - 1, 0)
            if flag not in ((0, 1) if ended else (2, 3)):
                raise self._damaged(len(offsets) - 1, offset, f"a part with flag {flag}")
            ended = flag in (0, 3)
            offset += _FRAME.size + length + -length % 4
        if not ended:
            raise self._damaged(len(offsets) - 1, offset, "the end of the file")
        return [str(number) for number in range(len(offsets))], offsets


def _plain_index(text: str, size: int) -> tuple[list[str], np.ndarray] | None:
    """Keys and offsets of an index whose lines are numbers; None of any other."""
    words = text.split()
    lines = text.count("\n") + (not text.endswith("\n"))
    if not text.isascii() or len(words) != 2 * lines or text.count("\t") != lines:
        return None
    keys, numbers = words[0::2], words[1::2]
    if not all(map(str.isdigit, words)) or len(set(keys)) < len(keys):
        return None
    try:
        offsets = np.array(numbers, np.int64)
    except (ValueError, OverflowError):
        return None
    return (keys, offsets) if int(offsets.max()) < size else None
