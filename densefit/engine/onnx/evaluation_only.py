"""The training half of an engine that only evaluates: each method says what to do instead."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NoReturn

import numpy as np

from densefit.data.batch import Batch
from densefit.distributed import World
from densefit.engine.batch_reader import BatchReader
from densefit.engine.onnx.exported_network import ExportedNetwork
from densefit.engine.settings import BindSettings, OptimizerSettings
from densefit.engine.train_graph import Gradients, Parameters, SplitPasses


class EvaluationOnly:
    """The methods of `Engine` that train, which raise ConfigError."""

    name = "onnx"
    exported: ExportedNetwork
    random = False
    output_shapes: Mapping[str, tuple[int, ...]] = {}

    def _refuse(self) -> NoReturn:
        raise self.exported.refusal("cannot be trained")

    @property
    def parameters(self) -> Parameters:
        self._refuse()

    @property
    def gradients(self) -> Gradients:
        self._refuse()

    @property
    def lr(self) -> float:
        self._refuse()

    @property
    def base_lr(self) -> float:
        self._refuse()

    def join(self, world: World) -> None:
        self._refuse()

    def bind(self, reader: BatchReader, settings: BindSettings | None = None) -> None:
        self._refuse()

    def check_optimizer(
        self, settings: OptimizerSettings, batch_size: int, accumulate: int
    ) -> None:
        self._refuse()

    def start_optimizer(self, settings: OptimizerSettings) -> None:
        self._refuse()

    def optimizer_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        self._refuse()

    def load_optimizer_state(
        self, arrays: Mapping[str, np.ndarray], counters: Mapping[str, Any], is_other: bool = False
    ) -> str:
        self._refuse()

    def begin_update(self, absent: Collection[str]) -> None:
        self._refuse()

    def compute(
        self,
        batch: Batch,
        first: bool = True,
        shares: Mapping[str, float] | None = None,
        while_computing: Callable[[], None] | None = None,
    ) -> None:
        self._refuse()

    def outputs(self, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
        self._refuse()

    def split(self, where: str) -> SplitPasses:
        self._refuse()

    def update(
        self,
        lr: float | None,
        scale: float = 1.0,
        updates: int = 0,
        skipped: int = 0,
        absent: Collection[str] = (),
    ) -> None:
        self._refuse()

    def seed(self, number: int, epoch: int, batch: int = 0) -> None:
        self._refuse()
