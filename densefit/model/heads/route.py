"""Route: outputs, labels and metrics of a head on a user's Symbol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from densefit.errors import ConfigError


@dataclass(frozen=True)
class Route:
    """A head on a user's Symbol, by the names of its outputs and labels.

    Attributes:
        outputs: names of the symbol's outputs, with or without MXNet's suffix `_output`.
        labels: names of the labels for its metrics, in the metrics' order. They need not be inputs
            of the symbol: labels for metrics alone are passed beside it.
        metrics: registered names, a `Metric`, MXNet's `EvalMetric`, or functions of (label,
            prediction).
        rows: rows of axis 0 of each output per sample, for all outputs or by name; 0 for an output
            with one number per batch, the mean over its samples. None: inferred from the shapes. If
            all outputs and labels have R rows per sample, metrics count each row; otherwise they
            get (n, R, ...) for n samples.
    """

    outputs: Sequence[str]
    labels: Sequence[str] = ()
    metrics: Sequence[Any] = ()
    rows: int | Mapping[str, int] | None = None

    def __post_init__(self) -> None:
        for key in ("outputs", "labels"):
            if isinstance(getattr(self, key), str):
                raise ConfigError(
                    f"A route's {key} are a list of names",
                    received=repr(getattr(self, key)),
                    fix=f"{key}=[{getattr(self, key)!r}]",
                )
        if not self.outputs:
            raise ConfigError("A route needs at least one output", received=self)
