"""Number of samples of each dataset per epoch, so that the shares hold over epochs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

_WHOLE = Fraction(1, 10**9)  # tolerance for rounding


class Portions:
    """Integer sizes that add up to `total` in each epoch, in proportion over any epochs.

    Remainders are carried over: each share is rounded up or down in an epoch, and so is its sum
    over any first epochs. This is the scheduling of periodic tasks on several processors (PD2:
    Srinivasan and Anderson, Optimal Rate-based Scheduling on Multiprocessors, JCSS 2006), with an
    epoch as a time slot.

    >>> portions = Portions(4, [10, 6])
    >>> [portions.of(epoch) for epoch in range(4)]
    [[3, 1], [2, 2], [3, 1], [2, 2]]

    Args:
        total: per epoch.
        shares: 0 or more, not all 0; a float counts as its decimal representation.

    Attributes:
        exact: mean size per epoch, a Fraction each.
        carries: whether epochs differ.
    """

    def __init__(self, total: int, shares: Sequence[float]) -> None:
        parts = [Fraction(str(share)) for share in shares]
        self.exact = [_snapped(total * part / sum(parts)) for part in parts]
        self._whole = [math.floor(mean) for mean in self.exact]
        self._rests = [mean - whole for mean, whole in zip(self.exact, self._whole)]
        self.carries = any(self._rests)
        self._extra = total - sum(self._whole)  # sum of the remainders in each epoch
        self._before = [[0] * len(shares)]  # remainders handed out before each epoch

    def before(self, epoch: int) -> list[int]:
        """Samples of each dataset in all earlier epochs."""
        while self.carries and len(self._before) <= epoch:
            self._before.append(self._next())
        extra = self._before[epoch if self.carries else 0]
        return [epoch * whole + more for whole, more in zip(self._whole, extra)]

    def of(self, epoch: int) -> list[int]:
        """Samples of each dataset in an epoch."""
        return [after - before for before, after in zip(self.before(epoch), self.before(epoch + 1))]

    def _next(self) -> list[int]:
        """`_before` of the next epoch: the earliest deadlines get one more sample."""
        done, epoch = self._before[-1], len(self._before) - 1
        turns = [
            (*_urgency(rest, count), number)
            for number, (rest, count) in enumerate(zip(self._rests, done))
            if rest and count / rest < epoch + 1
        ]
        chosen = {number for *_, number in sorted(turns)[: self._extra]}
        return [count + (number in chosen) for number, count in enumerate(done)]


def _urgency(weight: Fraction, done: int) -> tuple[int, bool, int]:
    """Sort key of PD2: deadline of the window, successor bit, group deadline."""
    end = math.ceil((done + 1) / weight)
    is_alone = (done + 1) / weight == end  # the next window begins after this one
    if weight < Fraction(1, 2) or weight == 1:
        return end, is_alone, 0
    free = 1 - weight
    return end, is_alone, -math.ceil(math.ceil(end * free) / free)


def _snapped(value: Fraction) -> Fraction:
    nearest = Fraction(round(value))
    return nearest if abs(value - nearest) < _WHOLE else value
