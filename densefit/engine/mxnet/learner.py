"""The engine on MXNet: a bound Module, fed by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from densefit.backend import mx
from densefit.engine.batch_reader import Fed, Feeder
from densefit.engine.mxnet.bind import bind_training
from densefit.engine.mxnet.devices import check_split
from densefit.engine.mxnet.evaluation import Evaluation
from densefit.engine.mxnet.evaluator import Pending
from densefit.engine.mxnet.gradients import Gradients, zero_gradients
from densefit.engine.mxnet.graph.symbol_info import draws_at_random
from densefit.engine.mxnet.monitoring import Monitoring
from densefit.engine.mxnet.ndarrays import to_ndarrays
from densefit.engine.mxnet.optimizer_resume import (
    load_optimizer_arrays,
    load_optimizer_state,
    optimizer_state,
)
from densefit.engine.mxnet.parameters import ParameterStore
from densefit.engine.mxnet.rescale_grad import constant_rescale
from densefit.engine.mxnet.seeding import seed_update
from densefit.engine.mxnet.updater import Updater
from densefit.engine.settings import BindSettings, OptimizerSettings
from densefit.errors import BindError
from densefit.model.network import Network
from densefit.model.output_names import short_name

T = TypeVar("T")


class Learner:
    """Trains and evaluates one Network on one set of devices: the `Engine` on MXNet.

    Args:
        network: whose parameters are read at the start, and kept up to date.
        devices: MXNet contexts; a batch is split among them.

    Attributes:
        output_shapes: short name -> shape of the train graph's outputs for a full batch.
        batch: the micro-batch that was computed last.
        random: an update draws random numbers (dropout, or SGLD's noise).
    """

    random = False

    def __init__(self, network: Network, devices: Sequence[Any] | None = None) -> None:
        self.network = network
        self.devices = list(devices or [mx.cpu()])
        self.output_shapes: Mapping[str, tuple[int, ...]] = {}
        self.batch: Fed | None = None
        self._inputs: dict[str, Any] = {}  # of the train graph, for `batch`
        self._modules: Any = None  # Modules, of which the first has parameters and optimizer
        self._computed: Any = None  # the Module that has computed last
        self._batch_size = 0
        self._rescale: float | None = None  # constant factor on the gradient of a user's Symbol
        self._adds = False  # whether gradients of several micro-batches are added up
        self._monitoring: Monitoring | None = None
        self._store: ParameterStore | None = None
        self._gradients: Gradients | None = None
        self._updater: Updater | None = None
        self._evaluation = Evaluation(
            network, self.devices, lambda: 0 if self._store is None else self._store.version
        )

    @property
    def parameters(self) -> ParameterStore:
        """Parameters of the bound train graph."""
        return _bound(self._store)

    @property
    def gradients(self) -> Gradients:
        """Gradients of the micro-batches computed since the last update."""
        return _bound(self._gradients)

    @property
    def updater(self) -> Updater:
        """The optimizer of the bound train graph."""
        return _bound(self._updater)

    @property
    def lr(self) -> float:
        """Learning rate in force."""
        return float(self.updater.optimizer.learning_rate)

    @property
    def base_lr(self) -> float:
        """The optimizer's own learning rate, before its lr_scheduler."""
        return float(self.updater.optimizer.lr or 0.0)

    def bind(self, feeder: Feeder, settings: BindSettings | None = None) -> None:
        """Bind the train graph to the shapes of the data, and give every parameter a value."""
        settings = settings or BindSettings()
        self._modules, self.output_shapes = bind_training(
            self.network, feeder, self.devices, settings
        )
        is_live = settings.live is not None
        module = self._computed = self.module
        self._adds = settings.accumulate > 1
        self._batch_size = feeder.batch_size
        self.random = draws_at_random(module.symbol)
        self._outputs = [short_name(name) for name in module.symbol.list_outputs()]
        self._gradients = gradients = Gradients(module, self.network)
        self._updater = Updater(module, self.network, gradients, feeder.input_size, is_live)
        self._store = ParameterStore(self.network, module, settings.ema, is_live)

    def check_optimizer(
        self, settings: OptimizerSettings, batch_size: int, accumulate: int = 1
    ) -> None:
        """Raise ConfigError for an optimizer that cannot train the network, before it is bound."""
        self._rescale = constant_rescale(self.network, settings, batch_size, accumulate)

    def start_optimizer(self, settings: OptimizerSettings) -> None:
        """Start with a new optimizer; a user's Module goes on with its own."""
        self.updater.start(settings, self._batch_size, self.output_shapes, self._rescale)
        self.random |= self.updater.draws_at_random

    def optimizer_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """(arrays, counters) of the optimizer, by parameter name."""
        return optimizer_state(self.module)

    def load_optimizer_state(
        self, arrays: Mapping[str, np.ndarray], counters: Mapping[str, Any], is_other: bool = False
    ) -> str:
        """Continue from what `optimizer_state` returned; returns why not, or ""."""
        return load_optimizer_state(self.module, arrays, counters, is_other)

    def load_optimizer_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Start with optimizer states as `optimizer_state` returns them, counting from 0.

        Raises:
            CheckpointError: they are of other parameters.
        """
        load_optimizer_arrays(self.module, arrays)

    @property
    def module(self) -> Any:
        """The bound mx.mod.Module of the train graph that has parameters and optimizer."""
        return self._modules.first

    @property
    def computed(self) -> Any:
        """The bound mx.mod.Module that has computed the last batch."""
        return self._computed

    def bound_descs(self) -> tuple[list[Any], list[Any]]:
        """DataDescs of the train graph's data and labels, for a full batch."""
        return list(self.module.data_shapes), list(self.module.label_shapes or ())

    def install_monitor(self, monitor: Any) -> None:
        """Let an mx.mon.Monitor watch the train graph from the next update on."""
        self._monitoring = Monitoring(monitor)

    def begin_without(self, absent: Iterable[str]) -> None:
        """Begin an update in which some losses may turn out to have no labels."""
        self.updater.begin(absent)

    def compute(
        self,
        fed: Fed,
        first: bool = True,
        shares: Mapping[str, float] | None = None,
        while_computing: Callable[[], None] | None = None,
    ) -> None:
        """Run forward and backward on the real rows of a batch; returns before it is computed."""
        check_split(self.devices, fed.real, f"samples {', '.join(fed.ids)}")
        arrays = self._arrays(fed, shares)
        module = self._modules.of({name: array.shape for name, array in arrays.items()})
        self._computed = module
        # Kept until the next batch: MXNet may read their memory while it computes.
        self._inputs = to_ndarrays(arrays)
        data, label = self._modules.ordered(self._inputs)
        gradients, averages = self.gradients, self.parameters.averages
        if averages is not None:
            averages.settle()
        if first:
            gradients.samples = 0
            if self._adds:
                zero_gradients(module)
        gradients.samples += fed.real if shares is not None else self._counted(fed)
        self.batch = fed
        if self._monitoring is not None:
            self._monitoring.begin(module, first)
        module.forward_backward(mx.io.DataBatch(data=data, label=label or None, pad=0))
        if while_computing is not None:
            while_computing()

    def _arrays(self, fed: Fed, shares: Mapping[str, float] | None) -> dict[str, Any]:
        """What the train graph reads of the real rows of a batch, by name.

        Padding trains nothing, and must not enter BatchNorm's statistics either.
        """
        given = fed.arrays
        weights = self._weights(fed, shares)
        inputs = self._modules.inputs
        return {
            name: weights[name] if name in weights else own.fit(fed.real_rows(given[name]))
            for name, own in inputs.items()
        }

    def _weights(self, fed: Fed, shares: Mapping[str, float] | None) -> dict[str, Any]:
        """Input of the train graph -> (real,) factors on the samples' losses."""
        return {
            name: (fed.labelled[key] * (1.0 if shares is None else shares[key])).astype(np.float32)
            for wire in self.network.wires.values()
            for name, key in wire.weights.items()
        }

    def _counted(self, fed: Fed) -> int:
        """Samples that the mean of the losses is over, without shares."""
        keys = [key for wire in self.network.wires.values() for key in wire.weights.values()]
        return int(fed.labelled[keys[0]].sum()) if keys else fed.real

    def train_outputs(self, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
        """Outputs of the last micro-batch by short name; waits for its forward pass only."""
        arrays = dict(zip(self._outputs, self._computed.get_outputs()))
        wanted = dict.fromkeys(arrays if names is None else names)
        if not wanted:
            arrays[self._outputs[0]].wait_to_read()
        return {name: arrays[name].asnumpy() for name in wanted}

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
        self.parameters.updated(updates - skipped)

    def settle(self) -> None:
        """Wait until everything is computed."""
        mx.nd.waitall()

    def seed(self, number: int, epoch: int, batch: int = 0) -> None:
        """Seed what MXNet draws at random in an epoch, or in one of its updates (from 1)."""
        seed_update(number, epoch, batch)

    def check_evaluation(self, feeder: Feeder, views: bool = False, values: bool = False) -> None:
        """Raise BindError if the batches do not fit the eval graph; runs nothing."""
        self._evaluation.check(feeder, views, values)

    def evaluate(
        self, feeder: Feeder, nonfinite: str = "warn"
    ) -> Iterator[tuple[Fed, dict[str, np.ndarray]]]:
        """Yield each batch with the eval graph's outputs for its real rows, by short name."""
        return self._evaluation.run(feeder, nonfinite)

    def start_views(self, fed: Fed, feeder: Feeder) -> Pending:
        """Start computing the maps of a batch of views, which stay on the device."""
        return self._evaluation.start_views(fed, feeder)

    def release(self) -> None:
        """Leave the network with its own parameters."""
        if self._store is not None:
            self._store.release()


def _bound(part: T | None) -> T:
    """A part of a bound Learner."""
    if part is None:
        raise BindError("The network is not bound to training data yet", fix="call bind first")
    return part
