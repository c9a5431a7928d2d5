"""What heads did for each other in a training, from its log: a matrix, curves and sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from densefit.train.affinity.meter import ALL, COSINE, GAIN

LEAST = 0.02  # of a gain, above which it is worth a sentence
ENOUGH = 3  # measurements, from which a mean is more than chance
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
        """Whether the mean is `LEAST` or more from 0, and two standard errors."""
        return abs(self.mean) >= LEAST and abs(self.mean) > 2 * self.error


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

    def conflict_from(self, first: str, second: str) -> str | None:
        """First layer from which on all mean cosines of two heads are below 0; None without."""
        layers = self.cosines.get((first, second)) or self.cosines.get((second, first), {})
        start = None
        for layer, (_, values) in layers.items():
            if layer != ALL:
                start = (start or layer) if math.fsum(values) < 0 else None
        return start

    def layer_before(self, first: str, second: str, layer: str) -> str | None:
        """Layer before `layer`, nearer to the image; None for the first."""
        layers = list(self.cosines.get((first, second)) or self.cosines[second, first])
        number = layers.index(layer)
        return layers[number - 1] if number else None


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
    gains, cosines = {}, {}
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
        layer = affinity.conflict_from(giver, receiver)
        if layer is None:
            advice = "not in the last layers: a balancer of gradients may help"
        else:
            before = affinity.layer_before(giver, receiver, layer)
            advice = (
                f"from {layer} on: share until {before}" if before else "in all layers: train apart"
            )
        result.append(f"{receiver} loses to {giver} ({size}), {advice}.")
    return result or ["No head clearly helps or harms another: sharing costs nothing here."]
