"""The one seam to the compute engine: an MXNet Module, bound and fed by name."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np

from densefit.backend import mx
from densefit.engine.batch_reader import Fed, Feeder, real_rows
from densefit.engine.engine import BindSettings, OptimizerSettings
from densefit.engine.finite import OutputCheck
from densefit.engine.mxnet.absent import Absent
from densefit.engine.mxnet.batch_numbers import BatchNumbers
from densefit.engine.mxnet.bind import bind_training, check_split
from densefit.engine.mxnet.evaluator import Evaluator, Pending
from densefit.engine.mxnet.gradients import Gradients, zero_gradients
from densefit.engine.mxnet.graph.symbol_info import draws_at_random
from densefit.engine.mxnet.monitoring import Monitoring
from densefit.engine.mxnet.optimizer import (
    load_optimizer_arrays,
    load_optimizer_state,
    optimizer_state,
    start_optimizer,
    start_own_optimizer,
    tell_unused_rate,
)
from densefit.engine.mxnet.parameters import ParameterStore
from densefit.engine.mxnet.rescale_grad import constant_rescale, tell_rescale
from densefit.engine.mxnet.seeding import seed_update
from densefit.errors import BindError, ConfigError
from densefit.model.network import Network
from densefit.model.output_names import short_name
from densefit.model.symbol_graph import SymbolGraph

T = TypeVar("T")
TINY = float(np.finfo(np.float32).tiny)


class Learner:
    """Trains and evaluates one Network on one set of devices: the `Engine` on MXNet.

    Args:
        network: whose parameters are read at the start, and kept up to date.
        devices: MXNet contexts; a batch is split among them.

    Attributes:
        output_shapes: short name -> shape of the train graph's outputs for a full batch.
        optimizer_recipe: the optimizer and its settings as they were given.
        batch: the micro-batch that was computed last.
        random: MXNet draws random numbers in an update (dropout, or SGLD's noise).
    """

    random = False

    def __init__(self, network: Network, devices: Sequence[Any] | None = None) -> None:
        self.network = network
        self.devices = list(devices or [mx.cpu()])
        self.output_shapes: Mapping[str, tuple[int, ...]] = {}
        self.batch: Fed | None = None
        self._modules: Any = None  # Modules, of which the first has parameters and optimizer
        self._computed: Any = None  # the Module that has computed last
        self._optimizer: Any = None
        self._rescale: float | None = None  # constant factor on the gradient of a user's Symbol
        self._batch_size = 0
        self._adds = False  # whether gradients of several micro-batches are added up
        self._is_live = False  # whether the Module is the user's
        self._monitoring: Monitoring | None = None
        on_host = all(device.device_type == "cpu" for device in self.devices)
        self._evaluator = Evaluator(network, self.devices, "raw" if on_host else "evaluate")
        self._viewer = Evaluator(network, self.devices, "views")
        self._store: ParameterStore | None = None
        self._gradients: Gradients | None = None

    @property
    def parameters(self) -> ParameterStore:
        """Parameters of the bound train graph."""
        return _bound(self._store)

    @property
    def gradients(self) -> Gradients:
        """Gradients of the micro-batches computed since the last update."""
        return _bound(self._gradients)

    @property
    def lr(self) -> float:
        """Learning rate in force."""
        return float(self._optimizer.learning_rate)

    @property
    def base_lr(self) -> float:
        """The optimizer's own learning rate, before its lr_scheduler."""
        return float(self._optimizer.lr or 0.0)

    def bind(self, feeder: Feeder, settings: BindSettings | None = None) -> None:
        """Bind the train graph to the shapes of the data, and give every parameter a value.

        Args:
            feeder: of the training data.
            settings: how it is bound; by default as `BindSettings()` says.

        Raises:
            BindError: a label is missing, superfluous, misnamed or misshaped, or parameters do not
                fit.
            ConfigError: losses that are normalised in different ways, or in a way that is not told
                or does not go with several devices.
            DataError: a full or the last batch cannot be split among the devices.
        """
        settings = settings or BindSettings()
        self._modules, self.output_shapes = bind_training(
            self.network, feeder, self.devices, settings
        )
        self._is_live = settings.live is not None
        module = self._computed = self.module
        self._adds = settings.accumulate > 1
        self._batch_size = feeder.batch_size
        self._absent = Absent(module, self.network, feeder.input_size)
        self.random = draws_at_random(SymbolGraph.of(module.symbol))
        self._outputs = [short_name(name) for name in module.symbol.list_outputs()]
        self._gradients = Gradients(module, self.network)
        self._store = ParameterStore(self.network, module, settings.ema, self._is_live)

    def check_optimizer(
        self, settings: OptimizerSettings, batch_size: int, accumulate: int = 1
    ) -> None:
        """Raise ConfigError for an optimizer that cannot train the network, before it is bound.

        Args:
            settings: that `start_optimizer` gets.
            batch_size: rows of a full batch.
            accumulate: micro-batches an update.
        """
        self._rescale = constant_rescale(
            self.network, settings.optimizer, settings.settings, batch_size, accumulate
        )

    def start_optimizer(self, settings: OptimizerSettings) -> None:
        """Start with a new optimizer, see `densefit.engine.mxnet.optimizer`.

        Args:
            settings: that `check_optimizer` got.

        Raises:
            ConfigError: an unknown optimizer or setting, or groups that match no parameter.
        """
        optimizer, given, groups = settings.optimizer, settings.settings, settings.groups
        rescale = self.gradients.rescale = self._rescale
        self.optimizer_recipe = optimizer, dict(given)
        if rescale is not None:
            tell_rescale(
                self.network.symbol, self.output_shapes, rescale, optimizer, given, self._batch_size
            )
        if self._is_live:
            self._optimizer = start_own_optimizer(
                self.module, optimizer, given, self._batch_size, groups, settings.kvstore
            )
        else:
            self._optimizer = start_optimizer(
                self.module, optimizer, given, self._batch_size, groups
            )
        self.random |= isinstance(self._optimizer, mx.optimizer.SGLD)
        tell_unused_rate(self._optimizer, settings)

    def optimizer_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """(arrays, counters) of the optimizer, by parameter name."""
        return optimizer_state(self.module)

    def load_optimizer_state(
        self, arrays: Mapping[str, np.ndarray], counters: Mapping[str, Any], is_other: bool = False
    ) -> str:
        """Continue from what `optimizer_state` returned.

        Args:
            arrays: its states.
            counters: its counts.
            is_other: the optimizer's settings differ, or may.

        Returns:
            Why it starts from zero instead, to be logged; "" if it continues.

        Raises:
            CheckpointError: it is of other parameters, or damaged.
        """
        return load_optimizer_state(self.module, arrays, counters, is_other)

    def load_optimizer_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Begin with optimizer states, by parameter name as `optimizer_state` returns them.

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
        """Begin an update in which some losses may turn out to have no labels.

        Args:
            absent: those of `Wire.counted` that no sample is known to be labelled for.
        """
        self._absent.begin(absent)

    def compute(
        self, fed: Fed, first: bool = True, shares: Mapping[str, float] | None = None
    ) -> None:
        """Run forward and backward on the real rows of a batch; returns before it is computed.

        Args:
            fed: a batch.
            first: of an update; the gradients of the others are added.
            shares: what is counted (`Wire.counted`) -> factor on the loss of its labelled samples.
                None: 1, and the update's mean is over the labelled samples of the only head.
        """
        check_split(self.devices, fed.real, f"samples {', '.join(fed.ids)}")
        arrays = self._arrays(fed, shares)
        module = self._modules.of({name: array.shape for name, array in arrays.items()})
        self._computed = module
        data, label = self._modules.ordered(arrays)
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

    def _arrays(self, fed: Fed, shares: Mapping[str, float] | None) -> dict[str, Any]:
        """What the train graph reads of the real rows of a batch, by name.

        Padding trains nothing, and must not enter BatchNorm's statistics either.
        """
        given = {**fed.data, **fed.label}
        weights = self._weights(fed, shares)
        inputs = self._modules.inputs
        return {
            name: weights[name] if name in weights else own.fit(real_rows(given[name], fed))
            for name, own in inputs.items()
        }

    def _weights(self, fed: Fed, shares: Mapping[str, float] | None) -> dict[str, Any]:
        """Input of the train graph -> (real,) factors on the samples' losses."""
        return {
            name: mx.nd.array(fed.labelled[key] * (1.0 if shares is None else shares[key]))
            for wire in self.network.wires.values()
            for name, key in wire.weights.items()
        }

    def _counted(self, fed: Fed) -> int:
        """Samples that the mean of the losses is over, without shares."""
        keys = [key for wire in self.network.wires.values() for key in wire.weights.values()]
        return int(fed.labelled[keys[0]].sum()) if keys else fed.real

    def train_outputs(self, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
        """Outputs of the last micro-batch by short name; waits for its forward pass only.

        Args:
            names: that are read; all by default. With none it only waits, so that the caller
                cannot run ahead of the device without bound.
        """
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
        """Apply the gradients computed since the last update.

        Args:
            lr: learning rate; None leaves it to the optimizer's own.
            scale: factor on the gradient.
            updates: done before this one.
            skipped: how many of these were refused, and are in no average of weights.
            absent: those of `Wire.counted` without labels in the update, see `Absent`.
        """
        optimizer = self._optimizer
        self._follow()
        factor = self.gradients.mean_factor()
        rescale = factor * scale  # below TINY, MXNet raises an error in the midst of a training
        optimizer.rescale_grad = rescale if abs(rescale) >= TINY else math.copysign(TINY, rescale)
        if lr is not None:
            optimizer.lr = lr
        try:
            self._absent.update(absent)
        except mx.base.MXNetError as error:
            if math.isfinite(optimizer.learning_rate):
                raise
            raise ConfigError(
                "The learning rate is not a finite number",
                received=f"{optimizer.learning_rate}, of the update {updates + 1}",
                where=f"optimizer {type(optimizer).__name__}",
                fix="look at the schedule, or at the optimizer's lr_scheduler",
            ) from error
        optimizer.rescale_grad = factor
        self.parameters.updated(updates - skipped)

    def _follow(self) -> None:
        """Take in what the user has changed of the optimizer since the last update."""
        given = self.optimizer_recipe[0]
        watched = self._optimizer if self._is_live else given
        if not isinstance(watched, mx.optimizer.Optimizer):
            return
        if self.gradients.rescale is not None:
            self.gradients.rescale = watched.rescale_grad
        if watched is not self._optimizer and watched.lr_scheduler is None:
            self._optimizer.lr = watched.lr

    def settle(self) -> None:
        """Wait until everything is computed."""
        mx.nd.waitall()

    def seed(self, number: int, epoch: int, batch: int = 0) -> None:
        """Seed what MXNet draws at random in an epoch, or in one of its updates (from 1)."""
        seed_update(number, epoch, batch)

    def _version(self) -> int:
        """Number of the present parameters, for the eval graphs' copies of them."""
        return 0 if self._store is None else self._store.version

    def check_evaluation(self, feeder: Feeder, views: bool = False, values: bool = False) -> None:
        """Raise BindError if the batches do not fit the eval graph; runs nothing.

        Args:
            feeder: of the data.
            views: whether they are views of pictures.
            values: see `Evaluator.check`.
        """
        (self._viewer if views else self._evaluator).check(feeder, values)

    def evaluate(
        self, feeder: Feeder, nonfinite: str = "warn"
    ) -> Iterator[tuple[Fed, dict[str, np.ndarray]]]:
        """Each batch of the feeder with the eval graph's outputs for its real rows, by short name.

        While the caller works on one batch, the next one is being computed.

        Args:
            feeder: of the data.
            nonfinite: what happens to outputs that are not finite, see `OutputCheck`.

        Raises:
            DataError: an output is not finite, and `nonfinite` says so.
        """
        check = OutputCheck(feeder.wires, self._evaluator.mode, feeder.where, nonfinite)
        numbers = BatchNumbers(self._evaluator, feeder, nonfinite)
        before = None
        with check.whole():
            for fed in feeder.batches(scoring=True):
                numbers.look(fed, self._version())
                # It is looked at when the next batch has been fetched.
                begun = fed.labels_held(), self._evaluator.start(fed, feeder, self._version())
                if before is not None:
                    yield before[0], before[1].read(partial(check.look, before[0].ids))
                before = begun
            if before is not None:
                yield before[0], before[1].read(partial(check.look, before[0].ids))

    def start_views(self, fed: Fed, feeder: Feeder) -> Pending:
        """Begin with the maps of a batch of views, which stay on the device."""
        return self._viewer.start(fed, feeder, self._version())

    def release(self) -> None:
        """Leave the network with its own parameters."""
        if self._store is not None:
            self._store.release()


def _bound(part: T | None) -> T:
    """A part of a bound Learner."""
    if part is None:
        raise BindError("The network is not bound to training data yet", fix="call bind first")
    return part
