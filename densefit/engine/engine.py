"""What a training, a checkpoint and a scoring know of the compute engine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from densefit.engine.batch_reader import Fed, Feeder
from densefit.engine.ema import EMA
from densefit.engine.param_groups import Groups
from densefit.model.network import Network, Weigh


@dataclass(frozen=True)
class BindSettings:
    """How a train graph is bound.

    Attributes:
        initializer: of parameters without a value: an object, or its name ("xavier"); None: He.
        seed: initial values follow from it and the parameter's name.
        accumulate: micro-batches an update; for 1, gradients are written, not added.
        freeze: patterns of parameters that are not trained, nor are their BatchNorm's statistics.
        ema: average the weights; the network is then given the averages.
        precision: "float32" or "bfloat16", of convolutions and dense layers.
        weigh: see `Network.graph`.
        fixed: names of parameters without a gradient; their BatchNorm layers train on.
        allow_missing: initialise parameters that the network has no value for, not refuse them.
        fuse: join operators; a monitor needs the outputs of each.
        live: a user's Module that trains itself; None: the engine binds its own.
        is_given: the network has other parameters than that Module.
    """

    initializer: Any = None
    seed: int = 0
    accumulate: int = 1
    freeze: Sequence[str] = ()
    ema: EMA | None = None
    precision: str = "float32"
    weigh: Weigh | None = None
    fixed: Sequence[str] = ()
    allow_missing: bool = True
    fuse: bool = True
    live: Any = None
    is_given: bool = False


@dataclass(frozen=True)
class OptimizerSettings:
    """An optimizer and what it is started with.

    Attributes:
        optimizer: MXNet's name, or an `mx.optimizer.Optimizer`.
        settings: of an optimizer given by name.
        groups: pattern of parameter names -> factors on rate and decay.
        kvstore: of a user's Module that trains itself.
        has_schedule: a schedule sets the learning rate of each update.
    """

    optimizer: Any = "sgd"
    settings: Mapping[str, Any] = field(default_factory=dict)
    groups: Groups | None = None
    kvstore: Any = "local"
    has_schedule: bool = False


class HeadGradients(Protocol):
    """Gradients of the shared parameters, kept apart by head.

    Attributes:
        rows: (heads, P) float32, each head's gradient as one vector.
    """

    rows: np.ndarray

    def clear(self) -> None:
        """Forget the gradients of the last update."""

    def take(self, row: int) -> None:
        """Store the present gradients as those of head number `row`."""

    def put(self, combined: np.ndarray) -> None:
        """Replace the gradients of the shared parameters by `combined` (P,) float32."""


class Gradients(Protocol):
    """Gradients of the micro-batches computed since the last update."""

    def mean_factor(self) -> float:
        """Factor that makes the summed gradient that of the mean loss."""

    def norm(self) -> float:
        """Norm of the mean loss's gradient over all parameters; waits for the backward pass."""

    def not_finite(self) -> list[str]:
        """Names of the parameters whose gradient is nan or infinite."""

    def per_head(self) -> HeadGradients:
        """Keep the gradients of the heads apart.

        Raises:
            ConfigError: the heads share no parameter that is trained.
        """


class Parameters(Protocol):
    """Parameters in training, and BatchNorm's moving statistics, as "arg:<name>", "aux:<name>".

    Attributes:
        are_averaged: the network is given moving averages of the weights.
    """

    are_averaged: bool

    def value(self, name: str) -> np.ndarray:
        """Read one parameter; waits until it is computed."""

    def training_values(self) -> dict[str, np.ndarray]:
        """Copy the weights in training, which are not the averages."""

    def load(
        self, parameters: Mapping[str, Any], statistics: Mapping[str, Any], where: str
    ) -> None:
        """Replace all parameters of the train graph.

        Raises:
            CheckpointError: a parameter is missing or has another shape.
        """

    def load_averages(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Continue from averages, by name as in `training_values`."""

    def check_finite(self) -> None:
        """Raise TrainingDiverged if a parameter is nan or infinite."""

    def statistics(self) -> Any:
        """Copy BatchNorm's moving statistics, which a forward and backward pass change."""

    def set_statistics(self, copies: Any) -> None:
        """Restore what `statistics` returned."""

    def mend_statistics(self) -> None:
        """Restore statistics that are not finite from the network's last values."""


class Engine(Protocol):
    """Trains and evaluates one Network.

    Attributes:
        network: whose parameters it starts from; the network reads the current ones from it.
        parameters: of the bound train graph.
        gradients: of the micro-batches computed since the last update.
        output_shapes: short name -> shape of the train graph's outputs for a full batch.
        random: an update draws random numbers (dropout), and is seeded before it.
    """

    network: Network
    random: bool
    output_shapes: Mapping[str, tuple[int, ...]]

    @property
    def parameters(self) -> Parameters:
        """See the class."""

    @property
    def gradients(self) -> Gradients:
        """See the class."""

    @property
    def lr(self) -> float:
        """Learning rate in force."""

    @property
    def base_lr(self) -> float:
        """The optimizer's own learning rate, before its lr_scheduler."""

    def bind(self, feeder: Feeder, settings: BindSettings | None = None) -> None:
        """Bind the train graph to the shapes of the data, and give every parameter a value.

        Raises:
            BindError: a label is missing, superfluous, misnamed or misshaped, or parameters do not
                fit.
            ConfigError: losses that cannot be normalised.
            DataError: a full or the last batch cannot be split among the devices.
        """

    def check_optimizer(
        self, settings: OptimizerSettings, batch_size: int, accumulate: int
    ) -> None:
        """Raise ConfigError for an optimizer that cannot train the network, before it is bound.

        Args:
            settings: that `start_optimizer` gets.
            batch_size: rows of a full batch.
            accumulate: micro-batches an update.
        """

    def start_optimizer(self, settings: OptimizerSettings) -> None:
        """Start with a new optimizer; a user's Module goes on with its own.

        Raises:
            ConfigError: an unknown optimizer or setting, or groups that match no parameter.
        """

    def optimizer_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """(arrays, counters) of the optimizer, by parameter name."""

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

    def begin_without(self, absent: Iterable[str]) -> None:
        """Begin an update in which some losses may turn out to have no labels.

        Args:
            absent: those of `Wire.counted` that no sample is known to be labelled for.
        """

    def compute(
        self, fed: Fed, first: bool = True, shares: Mapping[str, float] | None = None
    ) -> None:
        """Run forward and backward on the real rows of a batch; returns before it is computed.

        Args:
            fed: a batch.
            first: of an update; the gradients of the others are added.
            shares: `Wire.counted` -> factor on the loss of its labelled samples. None: 1, and the
                update's mean is over the labelled samples of the only head.
        """

    def train_outputs(self, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
        """Outputs of the last micro-batch by short name; waits for its forward pass only.

        Args:
            names: that are read; all by default. With none it only waits, so that the caller
                cannot run ahead of the device without bound.
        """

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
            absent: those of `Wire.counted` without labels in the update; what they alone train
                stays.
        """

    def settle(self) -> None:
        """Wait until everything is computed."""

    def seed(self, number: int, epoch: int, batch: int = 0) -> None:
        """Seed what the engine draws at random in an epoch, or in one of its updates (from 1)."""

    def check_evaluation(self, feeder: Feeder, views: bool = False, values: bool = False) -> None:
        """Raise BindError if the batches do not fit the eval graph; runs nothing.

        Args:
            feeder: of the data.
            views: the batches hold views of pictures.
            values: every parameter must have a value by now.
        """

    def evaluate(
        self, feeder: Feeder, nonfinite: str = "warn"
    ) -> Iterator[tuple[Fed, dict[str, np.ndarray]]]:
        """Yield each batch with the eval graph's outputs for its real rows, by short name.

        The next batch is computed while the caller works on one.

        Args:
            feeder: of the data.
            nonfinite: "raise" or "warn" for outputs that are nan or infinite.

        Raises:
            DataError: an output is not finite, and `nonfinite` is "raise".
        """

    def start_views(self, fed: Fed, feeder: Feeder) -> Any:
        """Start computing the maps of a batch of views, which stay on the device."""

    def release(self) -> None:
        """Write the parameters back to the network, and let go of it."""
