"""The interface through which `fit` and `score` use a head of any task.

There is an adapter for a `Head` of a network, and one for a `Route` of a user's Symbol.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.errors import BindError, TrainingDiverged
from densefit.metrics import Metric


class HeadAdapter(ABC):
    """A head as `fit` and `score` use it: names of its arrays, checks, inputs of its metrics."""

    name: str

    #: Whether its metrics are updated.
    uses_metrics = True
    #: Whether a batch with other shapes than the first is an error.
    fixed_shapes = True

    @property
    @abstractmethod
    def labels(self) -> list[str]:
        """Full names of the label arrays for training and metrics."""

    @property
    def weights(self) -> dict[str, str]:
        """Inputs of the train graph, (B,) float32, that weigh the loss of each sample.

        Name -> its entry of `label_groups`. The train graph may lack some. Empty: the head has no
        such inputs, and every sample is labelled.
        """
        return {}

    @property
    def label_groups(self) -> list[str]:
        """Keys by which labelled samples are counted: the head, and `<head>/<term>` per term."""
        return [self.name]

    @property
    def needed_groups(self) -> list[str]:
        """Entries of `label_groups` without which something of the head is not trained."""
        return self.label_groups

    @property
    def label_group_of(self) -> dict[str, str]:
        """Output of the train graph -> the entry of `label_groups` of its labelled samples."""
        return dict.fromkeys(self.outputs("train"), self.name)

    @property
    def batch_scalars(self) -> list[str]:
        """Outputs with one number per batch, which counts for each of its samples."""
        return []

    @property
    def metric_labels(self) -> list[str]:
        """Labels that only metrics need: they need not be inputs of the graph."""
        return []

    @abstractmethod
    def outputs(self, mode: str) -> list[str]:
        """Full names, without `_output`, of the head's outputs in the graph of a mode."""

    def finish(
        self, mode: str, outputs: Mapping[str, np.ndarray], input_size: tuple[int, int] | None
    ) -> dict[str, np.ndarray]:
        """Outputs of a mode's graph as `read` and `decode` take them, by full name."""
        return {name: outputs[name] for name in self.outputs(mode)}

    @abstractmethod
    def rows(self, output: str) -> int | None:
        """Rows of an "evaluate" output per sample.

        0: one number per batch. None: no whole number of rows, or unknown before `check`.
        """

    @abstractmethod
    def metrics(self, mode: str) -> list[Metric]:
        """New metrics for a "train" or "evaluate" pass."""

    @abstractmethod
    def check(
        self, mode: str, shapes: Mapping[str, tuple[int, ...]], batch_size: int, devices: int
    ) -> None:
        """Raise BindError, before anything runs, if an output has a wrong shape.

        Args:
            mode: "train" or "evaluate".
            shapes: shapes of the graph's outputs for a full batch, by short name.
            batch_size: rows of a full batch.
            devices: number of devices among which a batch is split.
        """

    def check_batch(self, batch: Any) -> None:
        """Raise BindError if a batch lacks labels that `read` needs."""
        return

    @abstractmethod
    def read(
        self, mode: str, outputs: Mapping[str, np.ndarray], batch: Any
    ) -> tuple[Any, Any, list[str]]:
        """(predictions, targets, ids) of a batch's real rows: the inputs of the metrics."""


def rows_of(shape: tuple[int, ...], batch_size: int, before: int | None = None) -> int | None:
    """Rows of an output per sample, by its shape; 0: one number per batch.

    >>> rows_of((8, 3), 4), rows_of((1,), 4), rows_of((), 4), rows_of((7, 3), 4)
    (2, 0, 0, None)
    >>> rows_of((1,), 1), rows_of((1,), 1, before=0)
    (1, 0)

    Args:
        shape: shape of the output.
        batch_size: rows of the batch.
        before: result for an earlier batch, which decides for a batch of a single sample.
    """
    if math.prod(shape) == 1 and (batch_size > 1 or before == 0):
        return 0
    rows, rest = divmod(shape[0] if shape else 0, batch_size)
    return rows if rows and not rest else None


def check_rows(
    head: str, output: str, shape: tuple[int, ...], rows: int, batch_size: int, devices: int
) -> None:
    """Raise BindError unless an output has this number of rows per sample."""
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
    """The error for a value of a sample that is not finite."""
    return TrainingDiverged(
        f"The {what} of the head {head!r} is {value}",
        where=f"head {head}, sample {sample}",
        fix="lower the learning rate, or lengthen the warm-up; is the sample's image or label "
        "sound?",
    )
