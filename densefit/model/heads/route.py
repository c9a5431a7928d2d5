"""Route: which outputs and labels of a user's symbol belong to a head, and its metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from densefit.errors import ConfigError


@dataclass(frozen=True)
class Route:
    """The bare wiring of a head on a symbol of the user's own.

    Attributes:
        outputs: names of the symbol's outputs, with or without MXNet's `_output` suffix.
        labels: names of the labels that its metrics compare with, in the metrics' order. They
            need not be arguments of the symbol: metric-only labels are carried beside it.
        metrics: registered names, `Metric`s, MXNet `EvalMetric`s, or functions of (label,
            prediction).
        rows: rows of axis 0 of each output that belong to one sample, for all outputs or by
            name; 0 for an output that is one number for the whole batch, a mean over its
            samples: `score` refuses any other. None: what the shapes say. If all outputs and
            labels have R rows a sample, metrics count each row by itself; otherwise they get
            (n, R, ...) for n samples.
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
