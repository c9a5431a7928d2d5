"""Interface of the compute engine to training, checkpoints and scoring."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np

from densefit.data.batch import Batch
from densefit.distributed import World
from densefit.engine.batch_reader import BatchReader
from densefit.engine.settings import BindSettings, OptimizerSettings
from densefit.engine.train_graph import Gradients, Parameters, SplitPasses
from densefit.model.network import Network


class Engine(Protocol):
    """Trains and evaluates one Network.

    Attributes:
        name: name of the engine, as `fit(engine=...)` takes it.
        network: network that provides the initial parameters, and reads the current ones.
        parameters: parameters of the bound train graph.
        gradients: gradients of the micro-batches computed since the last update.
        output_shapes: short name -> shape of the train graph's outputs for a full batch.
        random: whether an update draws random numbers (dropout) and must be seeded.
    """

    name: str
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

    def join(self, world: World) -> None:
        """Sum gradients over the ranks of `world` from `bind` on.

        Raises:
            ConfigError: the engine or its devices cannot take part.
        """

    def bind(self, reader: BatchReader, settings: BindSettings | None = None) -> None:
        """Bind the train graph to the shapes of the data, and give every parameter a value.

        Once more with other settings after `release`; an optimizer is then started anew.

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
            settings: settings that `start_optimizer` gets.
            batch_size: rows of a full batch.
            accumulate: micro-batches per update.
        """

    def start_optimizer(self, settings: OptimizerSettings) -> None:
        """Start a new optimizer; a user's Module continues with its own.

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
            arrays: states of the optimizer.
            counters: update counts of the optimizer.
            is_other: whether the optimizer's settings differ, or may differ.

        Returns:
            The reason for starting from zero, to be logged; "" if the optimizer continues.

        Raises:
            CheckpointError: the state belongs to other parameters, or is damaged.
        """

    def begin_update(self, absent: Collection[str]) -> None:
        """Begin an update in which some losses may turn out to have no labels.

        Args:
            absent: entries of `HeadAdapter.label_groups` without a known labelled sample.
        """

    def compute(
        self,
        batch: Batch,
        first: bool = True,
        shares: Mapping[str, float] | None = None,
        while_computing: Callable[[], None] | None = None,
    ) -> None:
        """Run forward and backward on the real rows of a batch; returns before it is computed.

        A batch without real rows, of a rank that has no sample in the update, adds nothing.

        Args:
            batch: a batch.
            first: whether it is the first of an update; gradients of further ones are added.
            shares: `HeadAdapter.label_groups` -> factor on the loss of its labelled samples.
                None: 1, and the update's mean is over the labelled samples of the only head.
            while_computing: called when the device has begun, e.g. to read the next batch.
        """

    def split(self, where: str) -> SplitPasses:
        """Split backward passes between the heads and their trunk.

        Args:
            where: what asks for it, for errors.

        Raises:
            ConfigError: the engine cannot, or the heads read no common feature.
        """

    def losses(
        self, batch: Batch, shares: Mapping[str, float] | None = None, training: bool = False
    ) -> dict[str, np.ndarray]:
        """Compute the train graph's outputs for the real rows of a batch, without a backward pass.

        No gradient or parameter changes, and no statistic in evaluation mode; in training, MXNet
        moves statistics. Averages of weights are not used.

        Args:
            batch: a batch with labels and at least one real row.
            shares: see `compute`.
            training: whether as in training, with statistics of this rank's batch and dropout;
                by default in evaluation mode.

        Returns:
            Outputs by short name.
        """

    def outputs(self, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
        """Outputs of the last micro-batch by short name; waits for its forward pass only.

        Args:
            names: outputs to read; all by default. With none it only waits, which keeps the caller
                from running ahead of the device.
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
            lr: learning rate; None for the optimizer's own.
            scale: factor on the gradient.
            updates: number of updates before this one.
            skipped: number of refused ones among them, which do not enter averages of weights.
            absent: entries of `HeadAdapter.label_groups` without labels in the update; parameters
                that only they train are not changed.
        """

    def settle(self) -> None:
        """Wait until all computations have finished."""

    def seed(self, number: int, epoch: int, batch: int = 0) -> None:
        """Seed what the engine draws at random in an epoch, or in one of its updates (from 1)."""

    def check_evaluation(
        self, reader: BatchReader, views: bool = False, values: bool = False
    ) -> None:
        """Raise BindError if the batches do not fit the eval graph; runs nothing.

        Args:
            reader: reader of the data.
            views: the batches hold views of images.
            values: whether every parameter must have a value.
        """

    def evaluate(
        self, reader: BatchReader, nonfinite: str = "warn"
    ) -> Iterator[tuple[Batch, dict[str, np.ndarray]]]:
        """Yield each batch with the eval graph's outputs for its real rows, by short name.

        The next batch is computed while the caller works on one.

        Args:
            reader: reader of the data.
            nonfinite: "raise" or "warn" for outputs that are nan or infinite.

        Raises:
            DataError: an output is not finite, and `nonfinite` is "raise".
        """

    def compute_views(self, batch: Batch, reader: BatchReader) -> Any:
        """Start computing the maps of a batch of views, which stay on the device."""

    def release(self) -> None:
        """Write the parameters back to the network, and drop the reference to it."""
