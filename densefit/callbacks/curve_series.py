"""Numbers of a training's log as curves: by head, main scores, classes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from densefit.callbacks.loss_text import LOSS
from densefit.callbacks.main_number import is_main
from densefit.callbacks.score_board import main_of, worst_classes

_COMMON = ("kind", "update", "epoch", "seconds", "lr")
_ABOUT = ("labelled", "loss_weight")
TRAIN, VALIDATION = ("update", "epoch"), ("validation",)
_SPAN = 4.0  # between the highest values of scores that share a panel


@dataclass(frozen=True)
class History:
    """The log of a training.

    Attributes:
        lines: lines of `JSONLines`.
        heads: names of the heads, with their dataset if there are several: "cells/boxes".
        losses: head -> names of its training numbers, the total loss first.
        scores: head -> names of its validation scores, the main score first.
        directions: score -> whether higher is better.
        class_scores: main score -> name of the class -> name of the class's score, of validations
            that make a curve.
    """

    lines: Sequence[dict[str, Any]]
    heads: Sequence[str]
    losses: Mapping[str, Sequence[str]]
    scores: Mapping[str, Sequence[str]]
    directions: Mapping[str, bool | None]
    class_scores: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(
        cls,
        lines: Sequence[dict[str, Any]],
        main: Sequence[str],
        directions: Mapping[str, bool | None],
    ) -> History:
        """Sort the numbers of a log by head; see `plot_curves`."""
        # Numbers of samples and loss weights would dominate the scale.
        losses = by_head(key for key in main_keys(lines, TRAIN) if key.split("/")[-1] not in _ABOUT)
        for keys in losses.values():
            keys.sort(key=lambda key: key.split("/")[-1] != LOSS)
        scores = by_head(main_keys(lines, VALIDATION))
        names = [key for keys in scores.values() for key in keys]
        chosen = main_of(dict.fromkeys(names, 0.0), main, set(losses))
        for keys in scores.values():
            keys.sort(key=lambda key: key not in chosen)
        heads = list(dict.fromkeys([*losses, *scores]))
        validations = [line for line in lines if line["kind"] in VALIDATION]
        class_scores = {}
        for key in chosen if len(validations) > 1 else ():
            present = {name: 0.0 for line in validations for name in line if name not in _COMMON}
            of_classes = worst_classes(present, key, True, len(present))
            if len(of_classes) > 1:
                class_scores[key] = {name: _key_of(present, key, name) for name, _ in of_classes}
        return cls(lines, heads, losses, scores, directions, class_scores)

    def best(self, key: str) -> tuple[int, float] | None:
        """(update, value) of the best validation by a score; None without a direction."""
        high = self.directions.get(key)
        updates, values = series(self.lines, key, VALIDATION[0])
        points = [point for point in zip(updates, values) if math.isfinite(point[1])]
        if high is None or not points:
            return None
        return max(points, key=lambda point: point[1] if high else -point[1])


def _key_of(present: Mapping[str, Any], key: str, name: str) -> str:
    """Name of a class's score: "head/IoU/cat" of the main score "head/mIoU"."""
    head, _, metric = key.rpartition("/")
    full = f"{key}/{name}"
    return full if full in present else f"{head}/{metric.removeprefix('m')}/{name}"


def by_head(keys: Any) -> dict[str, list[str]]:
    """Group names of numbers by what precedes the last part.

    >>> by_head(["a/loss", "a/box_loss", "x/b/AP", "composite"])
    {'a': ['a/loss', 'a/box_loss'], 'x/b': ['x/b/AP'], '': ['composite']}
    """
    groups: dict[str, list[str]] = {}
    for key in keys:
        groups.setdefault(key.rpartition("/")[0], []).append(key)
    return groups


def of_one_magnitude(values: Mapping[str, Sequence[float]]) -> list[list[str]]:
    """Group numbers of similar magnitude, to share an axis; all up to 4 are one group.

    >>> of_one_magnitude({"mIoU": [0.1, 0.5], "SILog": [24.0, 23.0], "RMSE": [1.8], "AP": [0.0]})
    [['mIoU', 'RMSE', 'AP'], ['SILog']]
    """
    peaks = {
        key: max([1.0, *(abs(value) for value in numbers if math.isfinite(value))])
        for key, numbers in values.items()
    }
    starts: list[float] = []  # the lowest peak of each group
    for peak in sorted(peaks.values()):
        if not starts or peak > _SPAN * starts[-1]:
            starts.append(peak)
    return [
        [key for key, peak in peaks.items() if start <= peak < end]
        for start, end in zip(starts, [*starts[1:], math.inf])
    ]


def main_keys(lines: Sequence[dict[str, Any]], kinds: Sequence[str]) -> list[str]:
    """Names of the numbers of whole heads (see `is_main`), in order of appearance, if defined."""
    trained = [line for line in lines if line["kind"] in TRAIN]
    heads = {key.split("/")[0] for line in trained for key in line if "/" in key}
    keys = {
        key: None
        for line in lines
        if line["kind"] in kinds
        for key in line
        if key not in _COMMON and is_main(key, heads) and line[key] is not None
    }
    return list(keys)


def series(
    lines: Sequence[dict[str, Any]], key: str, kind: str | None = None
) -> tuple[list[int], list[float]]:
    """(updates, values) of a number, with nan where it was not finite."""
    points = [line for line in lines if key in line and kind in (None, line["kind"])]
    values = [float("nan") if line[key] is None else line[key] for line in points]
    return [line["update"] for line in points], values
