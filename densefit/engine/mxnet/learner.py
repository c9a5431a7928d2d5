"""The one seam to the compute engine: an MXNet Module, bound and fed by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.engine.batch_reader import Fed, Feeder
from densefit.engine.ema import EMA, Averages
from densefit.engine.finite import OutputCheck
from densefit.engine.mxnet.absent import Absent
from densefit.engine.mxnet.batch_numbers import BatchNumbers
from densefit.engine.mxnet.bind import bind_training, check_split
from densefit.engine.mxnet.evaluator import Evaluator, Pending
from densefit.engine.mxnet.gradients import gradients, squared_norm, zero
from densefit.engine.mxnet.graph.symbol_info import draws_at_random
from densefit.engine.mxnet.head_gradients import HeadGradients, shared_parameters
from densefit.engine.mxnet.monitoring import Monitoring
from densefit.engine.mxnet.ndarrays import to_ndarrays
from densefit.engine.mxnet.optimizer import (
    load_optimizer_arrays,
    start_optimizer,
    start_own_optimizer,
)
from densefit.engine.mxnet.parameters import Held
from densefit.engine.param_groups import Groups
from densefit.errors import ConfigError
from densefit.model.network import Network, Weigh
from densefit.model.output_names import short_name
from densefit.model.parameters import owners

TINY = float(np.finfo(np.float32).tiny)


class Learner(Held):
    """Trains and evaluates one Network on one set of devices.

    Args:
        network: whose parameters are read at the start and written back by `pull`.
        devices: MXNet contexts; a batch is split among them.

    Attributes:
        output_shapes: of the train graph's outputs for a full batch, by short name.
        optimizer_recipe: the optimizer and its settings as they were given.
        batch: the micro-batch that was computed last.
        random: whether MXNet draws random numbers in an update (dropout, or SGLD's noise).
    """

    random = False

    def __init__(self, network: Network, devices: Sequence[Any] | None = None) -> None:
        super().__init__(network)
        self.devices = list(devices or [mx.cpu()])
        self._modules: Any = None  # Modules, of which the first is `self._train`
        self._computed: Any = None  # the one that has computed last
        self._rescale: float | None = None  # of a user's Symbol, see `densefit.train.rescale_grad`
        self._adds = False  # whether gradients of several micro-batches are added up
        self._samples = 0  # computed since the last update
        self._absent: Any = None  # an Absent
        self._monitoring: Monitoring | None = None
        self.batch: Fed | None = None
        self._inputs: dict[str, Any] = {}  # of the train graph, for `batch`
        on_host = all(device.device_type == "cpu" for device in self.devices)
        self._evaluator = Evaluator(network, self.devices, "raw" if on_host else "evaluate")
        self._viewer = Evaluator(network, self.devices, "views")

    def bind(
        self,
        feeder: Feeder,
        initializer: Any = None,
        accumulate: int = 1,
        freeze: Sequence[str] = (),
        ema: EMA | None = None,
        precision: str = "float32",
        weigh: Weigh | None = None,
        fixed: Sequence[str] = (),
        allow_missing: bool = True,
        fuse: bool = True,
        live: Any = None,
        is_given: bool = False,
    ) -> None:
        """Bind the train graph to the feeder's shapes and give every parameter a value.

        Args:
            feeder: of the training data.
            initializer: for parameters that the network has no value for yet.
            accumulate: micro-batches an update; for one, gradients are written, not added.
            freeze: patterns of parameters that are not trained.
            ema: average the weights; the network is then given the averages.
            precision: "float32" or "bfloat16".
            weigh: see `Network.graph`.
            fixed: names of parameters that have no gradient; their BatchNorm layers train on.
            allow_missing: whether parameters that the network has no value for are initialised.
            fuse: whether operators may be joined, so that some inner outputs do not exist.
            live: a user's Module that trains itself; None: one of ours does.
            is_given: whether the network has other parameters than that Module.

        Raises:
            BindError: a label is missing, superfluous, misnamed or misshaped; parameters do not
                fit.
            ConfigError: losses that are normalised in different ways, or in a way that is not told
                or does not go with several devices.
            DataError: a full or the last batch cannot be split among the devices.
        """
        self._modules, self.output_shapes = bind_training(
            self.network,
            feeder,
            self.devices,
            initializer,
            accumulate,
            freeze,
            precision,
            weigh,
            fixed,
            allow_missing,
            fuse,
            live,
            is_given,
        )
        self._live = live is not None
        module = self._computed = self._modules.first
        symbol = module.symbol
        self._adds = accumulate > 1
        self._train = module
        self._absent = Absent(module, self.network, feeder.input_size)
        self.random = draws_at_random(symbol)
        self._outputs = [short_name(name) for name in symbol.list_outputs()]
        self._version += 1
        self._averages = None if ema is None else Averages(ema, self._trained())
        self.network._pull = self.pull
        self.pull()

    def start_optimizer(
        self,
        optimizer: Any,
        settings: Mapping[str, Any],
        batch_size: int,
        groups: Groups | None = None,
        rescale: float | None = None,
        kvstore: Any = "local",
    ) -> Any:
        """Begin with a new optimizer; returns it. See `densefit.engine.mxnet.optimizer`.

        Args:
            optimizer: see there.
            settings: see there.
            batch_size: see there.
            groups: see there.
            rescale: the constant factor on an update's gradient; None: 1 / its samples.
            kvstore: of a user's Module that trains itself.
        """
        self._rescale, self.optimizer_recipe = rescale, (optimizer, dict(settings))
        if self._live:
            self._optimizer = start_own_optimizer(
                self._train, optimizer, settings, batch_size, groups, kvstore
            )
        else:
            self._optimizer = start_optimizer(self._train, optimizer, settings, batch_size, groups)
        self.random |= isinstance(self._optimizer, mx.optimizer.SGLD)
        return self._optimizer

    def bound_descs(self) -> tuple[list[Any], list[Any]]:
        """DataDescs of the train graph's data and labels, for a full batch."""
        return list(self._train.data_shapes), list(self._train.label_shapes or ())

    def load_optimizer_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Begin with optimizer states, by parameter name as `optimizer_state` gives them.

        Raises:
            CheckpointError: they are of other parameters.
        """
        load_optimizer_arrays(self._train, arrays)

    @property
    def module(self) -> Any:
        """The bound mx.mod.Module of the train graph, which has parameters and optimizer."""
        return self._train

    @property
    def computed(self) -> Any:
        """The bound mx.mod.Module that has computed the last batch."""
        return self._computed

    def install_monitor(self, monitor: Any) -> None:
        """Let an mx.mon.Monitor watch the train graph from the next update on."""
        self._monitoring = Monitoring(monitor)

    def compute(
        self,
        fed: Fed,
        first: bool = True,
        shares: Mapping[str, float] | None = None,
        while_computing: Callable[[], None] | None = None,
    ) -> None:
        """Forward and backward on the real rows of a batch. Returns before it is computed.

        Args:
            fed: a batch.
            first: of an update; the gradients of the others are added.
            shares: what is counted (`Wire.counted`) -> factor on the loss of its labelled samples.
                None: 1, and the update's mean is over the labelled samples of the only head.
            while_computing: called when the device has begun, e.g. to read the next batch.
        """
        check_split(self.devices, fed.real, f"samples {', '.join(fed.ids)}")
        arrays = self._arrays(fed, shares)
        module = self._modules.of({name: array.shape for name, array in arrays.items()})
        self._computed = module
        # Kept until the next batch: MXNet may read their memory while it computes.
        self._inputs = to_ndarrays(arrays)
        data, label = self._modules.ordered(self._inputs)
        if self._averages is not None:
            self._averages.settle()
        if first:
            self._samples = 0
            if self._adds:
                zero(gradients(module).values())
        self._samples += fed.real if shares is not None else self._counted(fed)
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

    def begin_without(self, absent: Iterable[str]) -> None:
        """Tell, before an update computes, what may turn out to have no labels in it.

        Args:
            absent: those of `Wire.counted` that no sample is known to be labelled for.
        """
        self._absent.begin(absent)

    def update(
        self,
        lr: float | None,
        scale: float = 1.0,
        updates: int = 0,
        skipped: int = 0,
        absent: Collection[str] = (),
    ) -> None:
        """Apply what was computed since the last update.

        Args:
            lr: learning rate; None leaves it to the optimizer's own.
            scale: a factor on the gradient.
            updates: done before this one.
            skipped: how many of these were refused, and are in no average of weights.
            absent: those of `Wire.counted` without labels in the update, see `Absent`.
        """
        optimizer = self._optimizer
        self._follow()
        factor = self.mean_factor()
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
        self._version += 1
        if self._averages is not None:
            self._averages.update(self._trained(), updates - skipped)

    def _follow(self) -> None:
        """Take in what the user has changed of the optimizer since the last update."""
        given = self.optimizer_recipe[0]
        watched = self._optimizer if self._live else given
        if not isinstance(watched, mx.optimizer.Optimizer):
            return
        if self._rescale is not None:
            self._rescale = watched.rescale_grad
        if watched is not self._optimizer and watched.lr_scheduler is None:
            self._optimizer.lr = watched.lr

    def settle(self) -> None:
        """Wait until everything is computed."""
        mx.nd.waitall()

    def mean_factor(self) -> float:
        """What an update multiplies the summed gradient by: one place normalises."""
        return 1.0 / max(1, self._samples) if self._rescale is None else self._rescale

    def gradient_norm(self) -> float:
        """The norm of the gradient of the mean loss, over all parameters.

        Waits for the backward pass. Not finite if any of the gradients is not.
        """
        return math.sqrt(squared_norm(gradients(self._train).values())) * self.mean_factor()

    def bad_gradients(self) -> list[str]:
        """Names of the parameters whose gradient is not finite."""
        return [
            name
            for name, replicas in gradients(self._train).items()
            if not all(np.isfinite(one.asnumpy()).all() for one in replicas)
        ]

    def heads_of(self, parameters: Iterable[str]) -> list[str]:
        """The heads that own one of these parameters, in network order."""
        known = owners(self.network)
        found = {known.get(name) for name in parameters}
        return [name for name in self.network.wires if name in found]

    def head_gradients(self) -> HeadGradients:
        """What keeps the gradients of the heads apart.

        Raises:
            ConfigError: they share no parameter that is trained.
        """
        symbol, trained = self._train.symbol, list(gradients(self._train))
        shared = shared_parameters(symbol, self.network, trained)
        return HeadGradients(self._train, shared, len(self.network.wires))

    def train_outputs(self, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
        """Outputs of the last step by short name. Waits for its forward, not for its backward.

        Args:
            names: which are wanted; all by default. Without any it only waits, so that the
                caller cannot run ahead of the device without bound.
        """
        arrays = dict(zip(self._outputs, self._computed.get_outputs()))
        wanted = dict.fromkeys(arrays if names is None else names)
        if not wanted:
            arrays[self._outputs[0]].wait_to_read()
        return {name: arrays[name].asnumpy() for name in wanted}

    def check_evaluation(self, feeder: Feeder, views: bool = False, values: bool = False) -> None:
        """Raise BindError if the feeder's batches do not fit the eval graph; runs nothing.

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
                numbers.look(fed, self._version)
                # It is looked at when the next batch has been fetched.
                begun = fed, self._evaluator.start(fed, feeder, self._version)
                if before is not None:
                    yield before[0], before[1].read(partial(check.look, before[0].ids))
                before = begun
            if before is not None:
                yield before[0], before[1].read(partial(check.look, before[0].ids))

    def start_views(self, fed: Fed, feeder: Feeder) -> Pending:
        """Begin with the maps of a batch of views, which stay on the device."""
        return self._viewer.start(fed, feeder, self._version)
