"""What the learners of all engines share: their optimizer's start, evaluating, and the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from densefit.data.batch import Batch
from densefit.distributed import World
from densefit.engine.batch_reader import BatchReader
from densefit.engine.evaluation.evaluator import Evaluator, Pending
from densefit.engine.evaluation.run import Evaluation
from densefit.engine.graph.rescale_grad import constant_rescale, warn_of_rescale
from densefit.engine.settings import OptimizerSettings
from densefit.engine.training.sample_count import check_no_noise
from densefit.model.network import Network


class BaseLearner:
    """The part of an `Engine` that computes nothing itself.

    Args:
        network: network that provides the initial parameters, and is kept up to date.
        evaluator: computes the outputs of the eval graph.
        viewer: computes those of views.

    Attributes:
        output_shapes, random: see `Engine`.
        batch: the last computed micro-batch.
        rows: rows of a full batch; set by `bind`, like what follows.
        parameters, gradients, updater: of the train graph.
    """

    random = False
    rows: int
    parameters: Any
    gradients: Any
    updater: Any

    def __init__(self, network: Network, evaluator: Evaluator, viewer: Evaluator) -> None:
        self.network = network
        self._evaluation = Evaluation(evaluator, viewer, self._version)
        self.output_shapes: Mapping[str, tuple[int, ...]] = {}
        self.batch: Batch | None = None
        self._rescale: float | None = None  # constant factor on the gradient of a user's Symbol
        self._world = World()

    @property
    def lr(self) -> float:
        """Learning rate in force."""
        return float(self.updater.optimizer.learning_rate)

    @property
    def base_lr(self) -> float:
        """The optimizer's own learning rate, before its lr_scheduler."""
        return float(self.updater.optimizer.lr or 0.0)

    def check_optimizer(
        self, settings: OptimizerSettings, batch_size: int, accumulate: int = 1
    ) -> None:
        """Raise ConfigError for an optimizer that cannot train the network, before it is bound."""
        self._rescale = constant_rescale(self.network, settings, batch_size, accumulate)

    def start_optimizer(self, settings: OptimizerSettings) -> None:
        """Start with a new optimizer; a user's Module goes on with its own."""
        rescale, self.gradients.rescale = self._rescale, self._rescale
        if rescale is not None:
            symbol = self.network.symbol
            warn_of_rescale(symbol, self.output_shapes, rescale, settings, self.rows)
        self.updater.start(settings, self.rows)
        draws = self.updater.draws_at_random
        check_no_noise(draws, self.updater.optimizer, self._world)
        self.random |= draws

    def check_evaluation(
        self, reader: BatchReader, views: bool = False, values: bool = False
    ) -> None:
        """Raise BindError if the batches do not fit the eval graph; runs nothing."""
        self._evaluation.check(reader, views, values)

    def evaluate(
        self, reader: BatchReader, nonfinite: str = "warn"
    ) -> Iterator[tuple[Batch, dict[str, np.ndarray]]]:
        """Yield each batch with the eval graph's outputs for its real rows, by short name."""
        return self._evaluation.run(reader, nonfinite)

    def compute_views(self, batch: Batch, reader: BatchReader) -> Pending:
        """Start computing the maps of a batch of views, which stay on the device."""
        return self._evaluation.compute_views(batch, reader)

    def release(self) -> None:
        """Leave the network with its own parameters."""
        if hasattr(self, "parameters"):  # else it was not bound
            self.parameters.release()

    def _version(self) -> int:
        return self.parameters.version if hasattr(self, "parameters") else 0
