"""What `fit` and `score` see of a head: they know nothing of tasks.

There are two kinds of wires: around a `Head` of ours, and around a `Route` that a user writes for
a symbol of their own.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.errors import BindError, TrainingDiverged
from densefit.metrics import Metric


class Wire(ABC):
    """What `fit` and `score` see of a head."""

    name: str

    #: Whether its metrics are asked.
    is_measured = True
    #: Whether batches of other shapes than announced are an error.
    fixed_shapes = True

    @property
    @abstractmethod
    def labels(self) -> list[str]:
        """Full names of the label arrays that the head is trained or measured with."""

    @property
    def weights(self) -> dict[str, str]:
        """Inputs of the train graph, (B,) float32, which are factors on the loss of each sample.

        By name, with the one of `counted` whose samples they are of. The train graph may lack
        some. Empty: it has none, and every sample is labelled.
        """
        return {}

    @property
    def counted(self) -> list[str]:
        """What labelled samples are counted for: the head, and `<head>/<term>` of its terms."""
        return [self.name]

    @property
    def counted_by(self) -> dict[str, str]:
        """Output of the train graph -> the one of `counted` whose samples its loss is over."""
        return dict.fromkeys(self.outputs("train"), self.name)

    @property
    def batch_numbers(self) -> list[str]:
        """Its outputs that are one number for a batch, which stands for each of the samples."""
        return []

    @property
    def compared(self) -> list[str]:
        """Those of `labels` that metrics compare with, which need not be bound."""
        return []

    @abstractmethod
    def outputs(self, mode: str) -> list[str]:
        """Full names, without `_output`, of its outputs in the graph of a mode."""

    def finish(
        self, mode: str, outputs: Mapping[str, np.ndarray], input_size: tuple[int, int] | None
    ) -> dict[str, np.ndarray]:
        """Its outputs in the graph of a mode as `read` and `decode` take them, by full name."""
        return {name: outputs[name] for name in self.outputs(mode)}

    @abstractmethod
    def rows(self, output: str) -> int | None:
        """Rows of an "evaluate" output for one sample.

        0: one number for the batch. None: no whole number of rows, or not known before `check`.
        """

    @abstractmethod
    def metrics(self, mode: str) -> list[Metric]:
        """New metrics for a "train" or "evaluate" pass."""

    @abstractmethod
    def check(
        self, mode: str, shapes: Mapping[str, tuple[int, ...]], batch_size: int, devices: int
    ) -> None:
        """Raise BindError if an output's shape is not what the head says, before anything runs.

        Args:
            mode: "train" or "evaluate".
            shapes: of the graph's outputs for a full batch, by short name.
            batch_size: rows of a full batch.
            devices: among how many a batch is split.
        """

    def check_batch(self, batch: Any) -> None:
        """Raise BindError if a fed batch lacks what `read` will look for."""
        return

    @abstractmethod
    def read(
        self, mode: str, outputs: Mapping[str, np.ndarray], batch: Any
    ) -> tuple[Any, Any, list[str]]:
        """(predictions, targets, ids) of the real rows of a fed batch: what metrics are given."""


def rows_of(shape: tuple[int, ...], batch_size: int, before: int | None = None) -> int | None:
    """Rows of an output for one sample, by its shape; 0: one number for the batch.

    >>> rows_of((8, 3), 4), rows_of((1,), 4), rows_of((), 4), rows_of((7, 3), 4)
    (2, 0, 0, None)
    >>> rows_of((1,), 1), rows_of((1,), 1, before=0)
    (1, 0)

    Args:
        shape: of the output.
        batch_size: rows of the batch.
        before: what a batch of other shapes has told: one of a single sample leaves it open.
    """
    if math.prod(shape) == 1 and (batch_size > 1 or before == 0):
        return 0
    whole, rest = divmod(shape[0] if shape else 0, batch_size)
    return whole if whole and not rest else None


def check_rows(
    head: str, output: str, shape: tuple[int, ...], rows: int, batch_size: int, devices: int
) -> None:
    """Raise BindError unless an output has so many rows for each sample; see `Wire.check`."""
    if rows == 0:
        if devices > 1:
            raise BindError(
                f"The output {output!r} is one number for a whole batch, and {devices} devices "
                "give one for each of its parts",
                where=f"head {head}",
                fix="use one device, or let the symbol give one number a sample",
            )
        if int(np.prod(shape)) == 1:
            return
    elif shape[:1] == (batch_size * rows,):
        return
    raise BindError(
        f"The output {output!r} has the shape {shape} for {batch_size} samples",
        expected=f"{rows} rows a sample" if rows else "one number for the batch",
        received=shape,
        where=f"head {head}",
        fix="Route(rows=...) or Head.rows says how many rows belong to a sample (0: one number "
        "for the batch)",
    )


def diverged(head: str, what: str, value: float, sample: str) -> TrainingDiverged:
    """The error for a value of a sample with which training cannot go on."""
    return TrainingDiverged(
        f"The {what} of the head {head!r} is {value}",
        where=f"head {head}, sample {sample}",
        fix="lower the learning rate, or lengthen the warm-up; is the sample's image or label "
        "sound?",
    )
