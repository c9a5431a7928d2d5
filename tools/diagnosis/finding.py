"""A finding about the installation or the machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

OK, NOTE, PROBLEM = "ok", "note", "problem"


@dataclass(frozen=True)
class Finding:
    """What was found.

    Attributes:
        name: what was looked at, a word or two.
        text: what was found, a line.
        status: `OK`; `NOTE`, which may matter; or `PROBLEM`, which prevents something.
        fix: what to do, for a note or a problem.
        facts: the numbers and paths, as JSON values.
    """

    name: str
    text: str
    status: str = OK
    fix: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def line(self, width: int = 14) -> str:
        """A line for the terminal, and one below for the fix."""
        mark = {OK: "  ", NOTE: "! ", PROBLEM: "x "}[self.status]
        text = f"{mark}{self.name:{width}}{self.text}"
        return text if self.fix is None else f"{text}\n{'':{width + 2}}-> {self.fix}"


def size_text(count: float) -> str:
    """Bytes in GiB or MiB.

    >>> size_text(3 << 30), size_text(64 << 20)
    ('3.0 GiB', '64 MiB')
    """
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
