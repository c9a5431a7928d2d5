"""What the ranks of a launch print, behind their numbers."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import IO, Any

_TICK = 0.1  # seconds
# Until a text is complete: the first rank's sooner, which others are compared with.
_QUIET_FIRST, _QUIET, _LONGEST = 0.3, 1.0, 3.0
_REMEMBERED = 10_000  # texts


class Output:
    """Print the ranks' lines; what several ranks say on standard error, once.

    The first rank's lines are printed at once. Standard output of others is not printed, and their
    standard error a moment later, without what the first rank or another one has printed as often:
    all ranks have the same warnings. A text that is compared is a line with the indented ones that
    follow it, such as the places of a traceback.

    Args:
        first: number of the first rank.
        shows_all: whether all lines of all ranks are printed.
        out, err: streams for standard output and standard error; None: nowhere.
    """

    def __init__(self, first: int, shows_all: bool, out: Any, err: Any) -> None:
        self._first, self._shows_all, self._sinks = first, shows_all, (out, err)
        self._lock = threading.Lock()
        self._readers: list[threading.Thread] = []
        self._waiting: dict[int, list[tuple[float, str]]] = {}
        self._said: dict[int, Counter[str]] = {}  # by rank
        self._printed: Counter[str] = Counter()

    def follow(self, rank: int, out: IO[bytes] | None, err: IO[bytes] | None) -> None:
        """Print what a rank writes, until it closes its pipes."""
        self._waiting[rank], self._said[rank] = [], Counter()
        for source, is_error in ((out, False), (err, True)):
            if source is None:
                continue
            reader = threading.Thread(target=self._read, args=(rank, source, is_error), daemon=True)
            reader.start()
            self._readers.append(reader)

    def finish(self, seconds: float) -> None:
        """Print the rest, and wait for ranks that still write; not longer than some seconds."""
        end = time.monotonic() + seconds
        while any(reader.is_alive() for reader in self._readers) and time.monotonic() < end:
            time.sleep(_TICK)
            self.tick()
        self._flush(everything=True)

    def tick(self) -> None:
        """Print what has waited long enough."""
        self._flush()

    def _read(self, rank: int, source: IO[bytes], is_error: bool) -> None:
        """Read lines to the end, whether they can be printed or not: else the rank would wait."""
        is_first = rank == self._first
        for line in source:
            text = line.decode(errors="replace").rstrip()
            with self._lock:
                if is_first or self._shows_all:
                    self._print(rank, text, is_error)
                if is_error and not self._shows_all:
                    self._waiting[rank].append((time.monotonic(), text))

    def _flush(self, everything: bool = False) -> None:
        now = time.monotonic()
        with self._lock:
            for rank in sorted(self._waiting, key=lambda number: (number != self._first, number)):
                lines = self._waiting[rank]
                quiet = _QUIET_FIRST if rank == self._first else _QUIET
                is_due = lines and (now - lines[-1][0] > quiet or now - lines[0][0] > _LONGEST)
                is_whole = is_due or everything
                if not is_whole and rank != self._first:
                    continue
                texts = _texts([line for _, line in lines])
                for text in texts if is_whole else texts[:-1]:  # the last one may go on
                    self._say(rank, text)
                del lines[: len(lines) if is_whole or not texts else -len(texts[-1].split("\n"))]
            if len(self._printed) > _REMEMBERED:
                for counter in (self._printed, *self._said.values()):
                    counter.clear()

    def _say(self, rank: int, text: str) -> None:
        """Print a text of a rank, unless it was printed as often as the rank has said it."""
        self._said[rank][text] += 1
        if self._said[rank][text] <= self._printed[text]:
            return
        self._printed[text] += 1
        if rank != self._first:  # whose lines are printed when they come
            for line in text.split("\n"):
                self._print(rank, line, is_error=True)

    def _print(self, rank: int, line: str, is_error: bool) -> None:
        sink = self._sinks[is_error]
        if sink is None:
            return
        text = f"[{rank}] {line}".rstrip() + "\n"
        try:
            encoding = getattr(sink, "encoding", None) or "utf-8"
            sink.write(text.encode(encoding, "backslashreplace").decode(encoding))
            sink.flush()
        except (OSError, ValueError):  # nobody reads it any more
            pass


def _texts(lines: list[str]) -> list[str]:
    r"""Join indented and empty lines to the line before.

    >>> _texts(["Traceback:", "  File x", "ValueError: y", "  fix: z", "a warning"])
    ['Traceback:\n  File x', 'ValueError: y\n  fix: z', 'a warning']
    """
    texts: list[str] = []
    for line in lines:
        if texts and (not line or line[0].isspace()):
            texts[-1] += "\n" + line
        else:
            texts.append(line)
    return texts
