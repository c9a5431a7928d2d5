"""How long a score pass took, by part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from typing_extensions import Self

from densefit.callbacks.clock import Clock

#: Part -> phase of the clock that is charged with it.
_PARTS = {"data": "data", "network": "forward", "metrics": "metric"}


@dataclass(frozen=True)
class PassTime:
    """Seconds of a score pass.

    Attributes:
        images: number of images.
        seconds: wall seconds of the pass, without tables and drawings.
        parts: part -> wall seconds. Images are read and the network computes while the batch before
            is decoded and scored ("metrics"): "data" and "network" are the time that is waited.
    """

    images: int
    seconds: float
    parts: dict[str, float]

    @classmethod
    def of(cls, images: int, seconds: float, clock: Clock) -> Self:
        """Seconds of a pass that charged a clock."""
        return cls(images, seconds, {part: clock.seconds[phase] for part, phase in _PARTS.items()})

    def __str__(self) -> str:
        shares = ", ".join(
            f"{part} {100 * spent / self.seconds:.0f} %" for part, spent in self.parts.items()
        )
        rate = self.images / self.seconds
        return f"{self.images} images in {self.seconds:.1f} s, {rate:.1f} images/s: {shares}"

    def values(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "seconds": round(self.seconds, 3),
            "images_per_second": round(self.images / self.seconds, 3),
            "parts": {part: round(spent, 3) for part, spent in self.parts.items()},
        }
