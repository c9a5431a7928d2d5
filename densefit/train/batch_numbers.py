"""Outputs that are one number for a batch: whether that is a mean over its samples."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from densefit.errors import DataError
from densefit.once import first_time
from densefit.train.evaluator import Evaluator
from densefit.train.feed import Fed, Feeder

_log = logging.getLogger("densefit")
_LOOKED_AT = 4  # batches of a pass: counts of valid elements may agree in one of them
_TOLERANCE = 1e-4  # of the numbers, which are computed in float32


class BatchNumbers:
    """Compares a batch's number with those of its halves.

    The number of a batch stands for each of its samples. Where it is a mean over them, such as
    `make_loss(mean(...))`, the score is the mean over the dataset. A sum, a root, or a mean over
    the elements with a label gives another score for each batch size.

    Args:
        evaluator: of the network.
        feeder: of the data.
        policy: "raise", or "warn" once.
    """

    def __init__(self, evaluator: Evaluator, feeder: Feeder, policy: str) -> None:
        self._evaluator, self._feeder, self._policy = evaluator, feeder, policy
        self._heads = {name: wire.name for wire in feeder.wires for name in wire.batch_numbers}
        self._left = _LOOKED_AT if self._heads and not feeder.has_compared else 0

    def look(self, fed: Fed, version: int) -> None:
        """Compute a batch as a whole and by halves, if it is one of the first.

        Raises:
            DataError: the halves do not make up the whole, and the policy says so.
        """
        if not self._left or fed.real < 2 or not self._evaluator.can_cut(self._feeder):
            return
        self._left -= 1
        self._feeder.has_compared = not self._left
        middle = fed.real // 2
        parts = [(0, fed.real), (0, middle), (middle, fed.real)]
        whole, first, second = (self._numbers(_part(fed, *part), version) for part in parts)
        for name, head in self._heads.items():
            shares = middle * first[name] + (fed.real - middle) * second[name]
            scale = abs(first[name]) + abs(second[name]) + abs(whole[name])
            if abs(shares / fed.real - whole[name]) > _TOLERANCE * scale + 1e-6:
                self._tell(name, head, fed, [whole[name], first[name], second[name]])
                self._left, self._feeder.has_compared = 0, True
                return

    def _numbers(self, fed: Fed, version: int) -> dict[str, float]:
        outputs = self._evaluator.start(fed, self._feeder, version).read()
        return {name: float(np.ravel(outputs[name])[0]) for name in self._heads}

    def _tell(self, name: str, head: str, fed: Fed, numbers: Sequence[float]) -> None:
        error = DataError(
            f"The output {name!r} is one number for a batch, but no mean over its samples: the "
            "score would depend on the batch size",
            expected="the mean of the numbers of its halves, by samples",
            received=f"{numbers[0]:g} for a batch of {fed.real}, {numbers[1]:g} and "
            f"{numbers[2]:g} for its halves",
            where=f"head {head}, {self._feeder.where} data",
            fix="let the symbol put out a number for each sample (leave out its mean or sum), or "
            "average all over the samples: mx.sym.mean(...)",
        )
        if self._policy == "raise":
            raise error
        if first_time("batch number", self._feeder.where, head, name):
            _log.warning("%s", error)


def _part(fed: Fed, begin: int, end: int) -> Fed:
    """Some of the rows of a batch."""

    def cut(array: Any) -> Any:
        each = array.shape[0] // fed.rows
        return array[begin * each : end * each]

    return replace(
        fed,
        data={name: cut(array) for name, array in fed.data.items()},
        label={name: cut(array) for name, array in fed.label.items()},
        rows=end - begin,
        real=end - begin,
    )
