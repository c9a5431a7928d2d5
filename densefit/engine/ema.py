"""Exponential moving average of the weights, which is scored and saved.

Polyak and Juditsky, 1992; with the decay that grows at the start as in TensorFlow's
ExponentialMovingAverage (`num_updates`).
"""

from __future__ import annotations

from dataclasses import dataclass

from densefit.numeric import real


@dataclass(frozen=True)
class EMA:
    """After update t (from 0): average = d * average + (1 - d) * weights, d at most `decay`.

    Refused updates (`fit(nonfinite=...)`) do not count. The average is over updates: without
    labels for a head, its weights do not change but its average does.

    >>> [round(EMA(0.999).rate(t), 4) for t in (0, 10, 100000)]
    [0.1, 0.55, 0.999]

    Attributes:
        decay: 0 to below 1; 0.999 averages over about the last thousand updates.
        warmup: whether d grows as (1 + t) / (10 + t), to forget the initial weights quickly.

    Raises:
        ConfigError: a decay out of range.
    """

    decay: float = 0.999
    warmup: bool = True

    def __post_init__(self) -> None:
        real(self.decay, "decay", least=0.0, below=1.0, where="EMA")

    def rate(self, t: int) -> float:
        """The d after update `t`, from 0."""
        return min(self.decay, (1 + t) / (10 + t)) if self.warmup else self.decay


def as_ema(decay: float | EMA | None) -> EMA | None:
    """Make an EMA of a decay; an EMA is returned."""
    return decay if decay is None or isinstance(decay, EMA) else EMA(decay)
