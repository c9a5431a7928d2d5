"""The engine on PyTorch: a bound train graph, batch by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from densefit.data.batch import ArraySpec, Batch
from densefit.distributed import World
from densefit.engine.batch_reader import BatchReader
from densefit.engine.graph.inputs import train_inputs
from densefit.engine.graph.symbol_info import draws_at_random
from densefit.engine.settings import BindSettings
from densefit.engine.torch.bind import TrainGraph, bind_training
from densefit.engine.torch.evaluator import TorchEvaluator
from densefit.engine.torch.forward import Passes
from densefit.engine.torch.gradients import Gradients
from densefit.engine.torch.parameters import ParameterStore
from densefit.engine.torch.process_group import join_group
from densefit.engine.torch.rank_sum import BatchSum, RankSum
from densefit.engine.torch.seeding import seed_update
from densefit.engine.torch.split_passes import SplitPasses
from densefit.engine.torch.updater import Updater
from densefit.engine.training.learner import BaseLearner
from densefit.errors import ConfigError
from densefit.model.network import Network


class Learner(BaseLearner):
    """Train and evaluate one Network on one device: the `Engine` on PyTorch.

    Args:
        network: network that provides the initial parameters, and is kept up to date.
        devices: the device, in a list; the CPU by default.

    Attributes:
        bound: the bound train graph; set by `bind`.
        others: see `BaseLearner`.
    """

    name = "torch"
    bound: TrainGraph
    parameters: ParameterStore
    gradients: Gradients
    updater: Updater
    _passes: Passes

    def __init__(self, network: Network, devices: Sequence[Any] | None = None) -> None:
        (self.device,) = devices or [torch.device("cpu")]
        mode = "raw" if self.device.type == "cpu" else "evaluate"
        evaluators = (TorchEvaluator(network, self.device, kind) for kind in (mode, "views"))
        super().__init__(network, *evaluators)

    @property
    def monitoring(self) -> None:
        """None: an mx.mon.Monitor reads MXNet's executors."""
        return

    @monitoring.setter
    def monitoring(self, monitoring: Any) -> None:
        raise ConfigError(
            "A monitor reads the arrays of MXNet's executors, which the engine 'torch' has not",
            where="monitor",
            fix="engine='mxnet', or leave monitor out",
        )

    @property
    def bound_specs(self) -> tuple[list[ArraySpec], list[ArraySpec]]:
        """Specs of the train graph's (data, labels) for a full batch."""
        plan = self.bound.plan
        data, labels = (
            [ArraySpec(name, plan.inputs[name].shape, plan.inputs[name].dtype) for name in names]
            for names in (plan.data, plan.labels)
        )
        return data, labels

    def join(self, world: World) -> None:
        """Sum gradients over the ranks of `world` from `bind` on."""
        self._world = world
        join_group(world, self.device)

    def bind(self, reader: BatchReader, settings: BindSettings | None = None) -> None:
        """Bind the train graph to the shapes of the data, and give every parameter a value."""
        settings = settings or BindSettings()
        bound = self.bound = bind_training(self.network, reader, self.device, settings)
        self.output_shapes, self.rows = bound.plan.outputs, reader.batch_size
        self.random = draws_at_random(bound.plan.graph)
        self.gradients = Gradients(bound.symbol, self.network, bound.trained)
        batch_sum = None
        if self._world.is_shared:
            self.gradients.rank_sum = RankSum(self._world, bound.trained)
            batch_sum = BatchSum(self._world)
        self._passes = Passes(
            bound, self.gradients, self.device, batch_sum, settings.sync_batchnorm
        )
        self.parameters = ParameterStore(
            self.network, bound.parameters, bound.statistics, settings.ema
        )
        self.updater = Updater(
            bound, self.network, self.gradients, self.parameters, reader.input_size
        )

    def optimizer_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """(arrays, counters) of the optimizer, by parameter name."""
        return self.updater.state()

    def load_optimizer_state(
        self, arrays: Mapping[str, np.ndarray], counters: Mapping[str, Any], is_other: bool = False
    ) -> str:
        """Continue from what `optimizer_state` returned; see `Engine`."""
        return self.updater.load_state(arrays, counters, is_other)

    def begin_update(self, absent: Collection[str]) -> None:
        """Begin an update in which some losses may turn out to have no labels."""
        self.updater.begin(absent)

    def compute(
        self,
        batch: Batch,
        first: bool = True,
        shares: Mapping[str, float] | None = None,
        while_computing: Callable[[], None] | None = None,
    ) -> None:
        """Run forward and backward on the real rows of a batch."""
        arrays = self._begin(batch, first, shares)
        if batch.real:
            self._passes.run(arrays, while_computing)
            return
        unlabelled = {key: np.zeros(1, bool) for key in batch.labelled}
        row = replace(batch, real=1, labelled=unlabelled)
        self._passes.take_part(train_inputs(self.bound.plan.inputs, self.network, row, shares))
        if while_computing is not None:
            while_computing()

    def split(self, where: str) -> SplitPasses:
        """Split backward passes between the heads and their trunk; see `Engine`."""
        return SplitPasses(self._passes, self.network, self._begin, where)

    def _begin(
        self, batch: Batch, first: bool, shares: Mapping[str, float] | None
    ) -> dict[str, Any]:
        """Count a micro-batch; returns its inputs of the graph by name."""
        if first:
            self.gradients.clear()
        self.gradients.count(batch, first, shares)
        self.batch = batch
        if not batch.real:
            return {}
        return train_inputs(self.bound.plan.inputs, self.network, batch, shares)

    def losses(
        self, batch: Batch, shares: Mapping[str, float] | None = None, training: bool = False
    ) -> dict[str, np.ndarray]:
        """Compute the train graph's outputs without a backward pass; see `Engine`."""
        return self._passes.losses(
            train_inputs(self.bound.plan.inputs, self.network, batch, shares), training
        )

    def outputs(self, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
        """Outputs of the last micro-batch by short name; waits for its forward pass only."""
        return self._passes.outputs(None if names is None else list(names))

    def update(
        self,
        lr: float | None,
        scale: float = 1.0,
        updates: int = 0,
        skipped: int = 0,
        absent: Collection[str] = (),
    ) -> None:
        """Apply the gradients computed since the last update."""
        self.updater.apply(lr, scale, absent)
        self.parameters.version += 1
        self.parameters.move_averages(updates - skipped)

    def settle(self) -> None:
        """Wait until everything is computed."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def seed(self, number: int, epoch: int, batch: int = 0) -> None:
        """Seed what PyTorch draws at random in an epoch, or in one of its updates (from 1)."""
        seed_update(number, epoch, batch)
