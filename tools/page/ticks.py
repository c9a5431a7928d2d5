"""Round values for the axes of charts."""

from __future__ import annotations

import math


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten in a range, about `count` of them.

    >>> ticks(0.0, 1.0)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    >>> ticks(3.0, 3.0)
    [3.0]
    """
    if not high > low:
        return [low]
    raw = (high - low) / max(1, count)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(index * step, 12) + 0.0 for index in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten in a range, with 2 and 5 times these where there are few.

    >>> log_ticks(0.5, 20.0)
    [0.5, 1.0, 2.0, 5.0, 10.0, 20.0]
    >>> log_ticks(0.001, 1000.0)
    [0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0]
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1, 2, 5) if len(powers) <= 4 else (1,)
    every = [float(f"{factor}e{power}") for power in powers for factor in factors]
    within = [value for value in every if low * 0.999 <= value <= high * 1.001]
    step = math.ceil(len(within) / 8)
    return within[::step] if within else [low]


def tick_text(value: float) -> str:
    """Short text of a value of an axis.

    >>> [tick_text(value) for value in (0.0, 0.25, 1500.0, 20000.0, 5e-4, 5e-5)]
    ['0', '0.25', '1,500', '20k', '0.0005', '5e-5']
    """
    size = abs(value)
    if size >= 1e6:
        return f"{value / 1e6:g}M"
    if size >= 1e4:
        return f"{value / 1e3:g}k"
    if size and size < 1e-4:
        mantissa, _, exponent = f"{value:.1e}".partition("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    return f"{value:,.6g}"
