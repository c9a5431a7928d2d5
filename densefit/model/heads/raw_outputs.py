"""The adapter of a Symbol without routes: its outputs are the predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.metrics import Metric
from densefit.model.heads.adapter import HeadAdapter, rows_of


class RawOutputHead(HeadAdapter):
    """Outputs of a user's Symbol, without labels and metrics.

    Args:
        outputs: short names of the symbol's outputs.
    """

    fixed_shapes = False
    name = "outputs"

    def __init__(self, outputs: Sequence[str]) -> None:
        self._outputs = list(outputs)
        self._rows: dict[str, int | None] = {}

    @property
    def labels(self) -> list[str]:
        return []

    def outputs(self, mode: str) -> list[str]:
        return self._outputs

    def rows(self, output: str) -> int | None:
        return self._rows.get(output)

    def metrics(self, mode: str) -> list[Metric]:
        return []

    def check(
        self, mode: str, shapes: Mapping[str, tuple[int, ...]], batch_size: int, devices: int
    ) -> None:
        self._rows = {
            name: rows_of(shapes[name], batch_size, self._rows.get(name)) for name in self._outputs
        }

    def read(
        self, mode: str, outputs: Mapping[str, np.ndarray], batch: Any
    ) -> tuple[Any, Any, list[str]]:
        return tuple(outputs[name] for name in self._outputs), None, list(batch.ids)
