"""Limits of a server, which keep requests from exhausting it."""

from __future__ import annotations

from dataclasses import dataclass, fields

from densefit.errors import ConfigError


@dataclass(frozen=True)
class Limits:
    """Limits of requests.

    Attributes:
        body: bytes of a request's body.
        pixels: pixels of an image, by its header.
        seconds: time from a request's first line to its answer.
        in_flight: requests that are read, wait or are computed at a time.
        wait: seconds that an image waits for others to share a batch.
    """

    body: int = 32 << 20
    pixels: int = 1 << 26
    seconds: float = 30.0
    in_flight: int = 64
    wait: float = 0.005

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if value < 0 or (value == 0 and entry.name != "wait"):
                raise ConfigError(
                    f"The limit {entry.name!r} is above 0", received=value, where="densefit serve"
                )
