"""A column of texts as two arrays, which are mapped and pickled without an object a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np


class TextColumn(Sequence[str]):
    """Immutable sequence of texts.

    >>> column = TextColumn.of(["a.jpg", "", "b.jpg"])
    >>> column[2], len(column), list(column)
    ('b.jpg', 3, ['a.jpg', '', 'b.jpg'])

    Args:
        data: (bytes,) uint8, the texts in UTF-8 behind each other.
        starts: (texts + 1,) int64, where each begins; the last entry is the number of bytes.
    """

    def __init__(self, data: np.ndarray, starts: np.ndarray) -> None:
        self.data, self.starts = data, starts

    @classmethod
    def of(cls, texts: Iterable[str]) -> TextColumn:
        """Make a column; texts may hold halves of characters, as names of files do."""
        parts = [text.encode("utf-8", "surrogatepass") for text in texts]
        starts = np.zeros(len(parts) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, parts), np.int64, len(parts)), out=starts[1:])
        return cls(np.frombuffer(b"".join(parts), np.uint8), starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, index: int) -> str:  # type: ignore[override]
        index = range(len(self))[index]
        data = self.data[int(self.starts[index]) : int(self.starts[index + 1])]
        return data.tobytes().decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        data, starts = self.data.tobytes(), self.starts.tolist()
        if data.isascii():
            text = data.decode("ascii")
            return (text[start:end] for start, end in zip(starts, starts[1:]))
        return (
            data[start:end].decode("utf-8", "surrogatepass")
            for start, end in zip(starts, starts[1:])
        )
