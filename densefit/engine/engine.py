"""What a training, a checkpoint and a scoring know of the compute engine."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np

from densefit.data.batch import Batch
from densefit.engine.batch_reader import BatchReader
from densefit.engine.settings import BindSettings, OptimizerSettings
from densefit.engine.train_graph import Gradients, Parameters
from densefit.model.network import Network


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

    def bind(self, reader: BatchReader, settings: BindSettings | None = None) -> None:
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

    def begin_update(self, absent: Collection[str]) -> None:
        """Begin an update in which some losses may turn out to have no labels.

        Args:
            absent: those of `HeadAdapter.label_groups` that no sample is known to be labelled for.
        """

    def compute(
        self,
        batch: Batch,
        first: bool = True,
        shares: Mapping[str, float] | None = None,
        while_computing: Callable[[], None] | None = None,
    ) -> None:
        """Run forward and backward on the real rows of a batch; returns before it is computed.

        Args:
            batch: a batch.
            first: of an update; the gradients of the others are added.
            shares: `HeadAdapter.label_groups` -> factor on the loss of its labelled samples.
                None: 1, and the update's mean is over the labelled samples of the only head.
            while_computing: called when the device has begun, e.g. to read the next batch.
        """

    def outputs(self, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
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
            absent: those of `HeadAdapter.label_groups` without labels in the update; what they
                alone train stays.
        """

    def settle(self) -> None:
        """Wait until everything is computed."""

    def seed(self, number: int, epoch: int, batch: int = 0) -> None:
        """Seed what the engine draws at random in an epoch, or in one of its updates (from 1)."""

    def check_evaluation(
        self, reader: BatchReader, views: bool = False, values: bool = False
    ) -> None:
        """Raise BindError if the batches do not fit the eval graph; runs nothing.

        Args:
            reader: of the data.
            views: the batches hold views of pictures.
            values: every parameter must have a value by now.
        """

    def evaluate(
        self, reader: BatchReader, nonfinite: str = "warn"
    ) -> Iterator[tuple[Batch, dict[str, np.ndarray]]]:
        """Yield each batch with the eval graph's outputs for its real rows, by short name.

        The next batch is computed while the caller works on one.

        Args:
            reader: of the data.
            nonfinite: "raise" or "warn" for outputs that are nan or infinite.

        Raises:
            DataError: an output is not finite, and `nonfinite` is "raise".
        """

    def compute_views(self, batch: Batch, reader: BatchReader) -> Any:
        """Start computing the maps of a batch of views, which stay on the device."""

    def release(self) -> None:
        """Write the parameters back to the network, and let go of it."""
