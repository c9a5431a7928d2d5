"""The engine on MXNet: a bound Module, batch by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from densefit.backend import mx
from densefit.data.batch import Batch
from densefit.distributed import World
from densefit.engine.batch_reader import BatchReader
from densefit.engine.graph.inputs import train_inputs
from densefit.engine.graph.symbol_info import draws_at_random
from densefit.engine.mxnet.bind import bind_training
from densefit.engine.mxnet.devices import check_split
from densefit.engine.mxnet.evaluation.evaluator import ExecutorEvaluator
from densefit.engine.mxnet.gradients import Gradients
from densefit.engine.mxnet.monitoring import Monitoring
from densefit.engine.mxnet.ndarrays import to_ndarrays
from densefit.engine.mxnet.optimizers.resume import load_optimizer_state, optimizer_state
from densefit.engine.mxnet.optimizers.updater import Updater
from densefit.engine.mxnet.parameters import ParameterStore
from densefit.engine.mxnet.rank_sum import check_no_synchronization
from densefit.engine.mxnet.seeding import seed_update
from densefit.engine.settings import BindSettings
from densefit.engine.training.learner import BaseLearner
from densefit.errors import ConfigError
from densefit.model.network import Network
from densefit.model.output_names import short_name
from densefit.model.symbol_graph import SymbolGraph


class Learner(BaseLearner):
    """Train and evaluate one Network on one set of devices: the `Engine` on MXNet.

    Args:
        network: network that provides the initial parameters, and is kept up to date.
        devices: MXNet contexts; a batch is split among them.

    Attributes:
        computed: the bound mx.mod.Module that computed it.
        monitoring: installs an mx.mon.Monitor on the train graph; None without a monitor.
        module: the bound mx.mod.Module of the train graph that has parameters and optimizer.
        others: see `BaseLearner`.
    """

    name = "mxnet"
    module: Any
    parameters: ParameterStore
    gradients: Gradients
    updater: Updater

    def __init__(self, network: Network, devices: Sequence[Any] | None = None) -> None:
        self.devices = list(devices or [mx.cpu()])
        on_host = all(device.device_type == "cpu" for device in self.devices)
        mode = "raw" if on_host else "evaluate"
        evaluators = (ExecutorEvaluator(network, self.devices, kind) for kind in (mode, "views"))
        super().__init__(network, *evaluators)
        self._inputs: dict[str, Any] = {}  # of the train graph, for `batch`
        self._shapes: dict[str, tuple[int, ...]] = {}  # of these
        self._modules: Any = None  # Modules, of which the first has parameters and optimizer
        self.computed: Any = None
        self.monitoring: Monitoring | None = None

    def join(self, world: World) -> None:
        """Sum gradients over the ranks of `world` from `bind` on."""
        self._world = world

    def bind(self, reader: BatchReader, settings: BindSettings | None = None) -> None:
        """Bind the train graph to the shapes of the data, and give every parameter a value."""
        settings = settings or BindSettings()
        check_no_synchronization(self.network, reader, settings, self._world.size)
        bound = bind_training(self.network, reader, self.devices, settings)
        self._modules, self.output_shapes = bound
        module = self.module = self.computed = self._modules.first
        self._shapes, self.rows = {}, module._exec_group.batch_size
        self.random = draws_at_random(SymbolGraph.of(module.symbol))
        self._outputs = [short_name(name) for name in module.symbol.list_outputs()]
        self.gradients = Gradients(module, self.network, settings.accumulate > 1, self._world)
        is_live = settings.live is not None
        self.updater = Updater(module, self.network, self.gradients, reader.input_size, is_live)
        self.parameters = ParameterStore(self.network, module, settings.ema, is_live)

    def optimizer_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """(arrays, counters) of the optimizer, by parameter name."""
        return optimizer_state(self.module)

    def load_optimizer_state(
        self, arrays: Mapping[str, np.ndarray], counters: Mapping[str, Any], is_other: bool = False
    ) -> str:
        """Continue from what `optimizer_state` returned; see `Engine`."""
        return load_optimizer_state(self.module, arrays, counters, is_other)

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
        """Run forward and backward on the real rows of a batch; returns before it is computed."""
        if not batch.real:
            self.gradients.begin(batch, first, shares)
            if while_computing is not None:
                while_computing()
            return
        modules = self._modules
        arrays = train_inputs(modules.inputs, self.network, batch, shares)
        shapes = {name: array.shape for name, array in arrays.items()}
        if shapes != self._shapes or not modules.is_steady:
            check_split(self.devices, batch.real, f"samples {', '.join(batch.ids)}")
            self.computed, self._shapes = modules.of(shapes), shapes
        module = self.computed
        # Kept until the next batch: MXNet may read their memory while it computes.
        inputs = self._inputs = to_ndarrays(arrays)
        data = [inputs[name] for name in modules.data_names]
        label = [inputs[name] for name in modules.label_names]
        if self.parameters.averages is not None:
            self.parameters.averages.settle()
        self.gradients.begin(batch, first, shares)
        self.batch = batch
        if self.monitoring is not None:
            self.monitoring.begin(module, first)
        module.forward_backward(mx.io.DataBatch(data=data, label=label or None, pad=0))
        if while_computing is not None:
            while_computing()

    def split(self, where: str) -> NoReturn:
        """Refuse: a bound Module runs all of its graph backward."""
        raise ConfigError(
            "MXNet's engine runs the whole network backward: it cannot stop at the features",
            where=where,
            fix="engine='torch'; or at='parameters', every=1: a pass of the network per head",
        )

    def losses(
        self, batch: Batch, shares: Mapping[str, float] | None = None, training: bool = False
    ) -> dict[str, np.ndarray]:
        """Compute the train graph's outputs without a backward pass; see `Engine`."""
        arrays = train_inputs(self._modules.inputs, self.network, batch, shares)
        shapes = {name: array.shape for name, array in arrays.items()}
        check_split(self.devices, batch.real, f"samples {', '.join(batch.ids)}")
        module, inputs = self._modules.of(shapes), to_ndarrays(arrays)
        data = [inputs[name] for name in self._modules.data_names]
        label = [inputs[name] for name in self._modules.label_names]
        module.forward(mx.io.DataBatch(data=data, label=label or None, pad=0), is_train=training)
        self._shapes = {}  # the next update chooses its module again
        arrays = dict(zip(self._outputs, module.get_outputs()))
        return {name: array.asnumpy() for name, array in arrays.items()}

    def outputs(self, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
        """Outputs of the last micro-batch by short name; waits for its forward pass only."""
        arrays = dict(zip(self._outputs, self.computed.get_outputs()))
        chosen = dict.fromkeys(arrays if names is None else names)
        if not chosen:
            arrays[self._outputs[0]].wait_to_read()
        return {name: arrays[name].asnumpy() for name in chosen}

    def update(
        self,
        lr: float | None,
        scale: float = 1.0,
        updates: int = 0,
        skipped: int = 0,
        absent: Collection[str] = (),
    ) -> None:
        """Apply the gradients computed since the last update."""
        self.updater.apply(lr, scale, updates + 1, absent)
        self.parameters.version += 1
        if self.parameters.averages is not None:
            self.parameters.move_averages(updates - skipped)

    def settle(self) -> None:
        """Wait until everything is computed."""
        mx.nd.waitall()

    def seed(self, number: int, epoch: int, batch: int = 0) -> None:
        """Seed what MXNet draws at random in an epoch, or in one of its updates (from 1)."""
        seed_update(number, epoch, batch)
