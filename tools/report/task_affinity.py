"""What heads did for each other in a training, from its log: a matrix, curves and sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from densefit.train.affinity.meter import ALL, COSINE, GAIN

MOST = 6  # sentences
LEAST = 0.02  # of a gain, above which it is worth a sentence
ENOUGH = 5  # measurements, from which a mean is more than chance
Curve = tuple[list[float], list[float]]


@dataclass(frozen=True)
class Gain:
    """What a step for a head does for another, as a share of that one's step.

    Attributes:
        mean: mean over the measurements.
        error: standard error of the mean; infinite for fewer than `ENOUGH` measurements.
        count: number of measurements.
    """

    mean: float
    error: float
    count: int

    @property
    def is_clear(self) -> bool:
        """Whether the mean is `LEAST` or more from 0, and three standard errors.

        Of 30 pairs of six heads, two standard errors would name one by chance.
        """
        return abs(self.mean) >= LEAST and abs(self.mean) > 3 * self.error


@dataclass(frozen=True)
class TaskAffinity:
    """The measurements of a training.

    Attributes:
        heads: names.
        gains: (head of the step, head that it changes) -> gain.
        cosines: (head, head) -> layer -> (updates, cosines); layers from the image on, then "all".
    """

    heads: Sequence[str]
    gains: Mapping[tuple[str, str], Gain]
    cosines: Mapping[tuple[str, str], Mapping[str, Curve]]

    def conflicts(self, first: str, second: str) -> dict[str, bool]:
        """Whether the mean cosine of two heads is below 0, by layer from the image on."""
        layers = self.cosines.get((first, second)) or self.cosines.get((second, first), {})
        return {layer: math.fsum(y) < 0 for layer, (_, y) in layers.items() if layer != ALL}


def read_affinity(lines: Sequence[Mapping[str, Any]]) -> TaskAffinity | None:
    """Read the measurements from the lines of `scalars.jsonl`; None if there are none.

    A line repeats the last measurement until the next: equal values that follow each other are one.
    """
    curves: dict[str, Curve] = {}
    for line in lines:
        for key, value in line.items():
            if key.startswith((f"{GAIN}/", f"{COSINE}/")) and isinstance(value, (int, float)):
                updates, values = curves.setdefault(key, ([], []))
                if not values or values[-1] != value:
                    updates.append(line["update"])
                    values.append(float(value))
    gains: dict[tuple[str, str], Gain] = {}
    cosines: dict[tuple[str, str], dict[str, Curve]] = {}
    for key, curve in curves.items():
        kind, _, rest = key.partition("/")[2].partition("/")
        layer, _, pair = rest.rpartition("/")
        first, _, second = pair.partition("~")
        if f"affinity/{kind}" == GAIN:
            gains[first, second] = _gain(curve[1])
        else:
            cosines.setdefault((first, second), {})[layer] = curve
    if not gains:
        return None
    return TaskAffinity(
        list(dict.fromkeys(head for pair in gains for head in pair)), gains, cosines
    )


def _gain(values: Sequence[float]) -> Gain:
    count, mean = len(values), math.fsum(values) / len(values)
    error = math.inf
    if count >= ENOUGH:
        variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
        error = math.sqrt(variance / count)
    return Gain(mean, error, count)


def sentences(affinity: TaskAffinity) -> list[str]:
    """Say which heads gain and lose by which, and what to do; the largest effect first."""
    most = max(gain.count for gain in affinity.gains.values())
    if most < ENOUGH:
        return [
            f"{most} measurement{'s' if most > 1 else ''}, {ENOUGH} or more are needed to say "
            "which heads help: train longer, or measure more often."
        ]
    clear = [(pair, gain) for pair, gain in affinity.gains.items() if gain.is_clear]
    clear.sort(key=lambda entry: -abs(entry[1].mean))
    result = []
    for (giver, receiver), gain in clear:
        size = f"{abs(gain.mean):.0%} of what its step does"
        if gain.mean > 0:
            result.append(f"{receiver} gains from {giver} ({size}).")
            continue
        advice = _advice(affinity.conflicts(giver, receiver))
        result.append(f"{receiver} loses to {giver} ({size}), {advice}.")
    if len(result) > MOST:
        result[MOST:] = [f"{len(result) - MOST} smaller effects are in the matrix."]
    return result or ["No head clearly helps or harms another: sharing costs nothing here."]


def _advice(conflicts: Mapping[str, bool]) -> str:
    """Where two heads conflict, and what to do.

    >>> _advice({"stage1": False, "stage2": False, "stage3": True, "stage4": True})
    'from stage3 on: share until stage2'

    Args:
        conflicts: layer, from the image on -> whether the heads conflict there.
    """
    layers = [layer for layer, is_conflict in conflicts.items() if is_conflict]
    if not layers:
        return "in no layer on average: a balancer of gradients may help"
    if len(layers) == len(conflicts):
        return "in all layers: train apart"
    names = list(conflicts)
    last = max(number for number, name in enumerate(names) if not conflicts[name])
    if last + 1 < len(names):
        return f"from {names[last + 1]} on: share until {names[last]}"
    return f"in {', '.join(layers)}: a balancer of gradients may help"
