"""The last micro-batch's pass through a train graph: forward, backward, statistics, outputs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch

from densefit.engine.torch.bind import TrainGraph
from densefit.engine.torch.gradients import Gradients
from densefit.engine.torch.program import Run
from densefit.engine.torch.rank_sum import BatchSum
from densefit.engine.torch.tensors import batch_tensors


class Passes:
    """Run a bound train graph forward and backward, batch by batch.

    Args:
        bound: the bound train graph.
        gradients: gradients of its parameters.
        device: device that computes.
        batch_sum: sums over the ranks within a pass; None for one rank.
        sync_batchnorm: whether BatchNorm uses the batch of all ranks.

    Attributes:
        bound: the bound train graph.
    """

    def __init__(
        self,
        bound: TrainGraph,
        gradients: Gradients,
        device: torch.device,
        batch_sum: BatchSum | None = None,
        sync_batchnorm: bool = False,
    ) -> None:
        self._batch_sum, self._sync_batchnorm = batch_sum, sync_batchnorm
        self.bound, self._gradients, self._device = bound, gradients, device
        self._outputs: dict[str, torch.Tensor] = {}
        self._read: Collection[str] = ()  # outputs that the caller reads after each batch
        self._copies: dict[str, torch.Tensor] = {}  # of these, on their way to host memory
        self._copied: Any = None  # event on a GPU
        self._checked = {self._key(bound.plan.full)}

    def run(
        self, arrays: Mapping[str, Any], while_computing: Callable[[], None] | None = None
    ) -> None:
        """Run forward and backward.

        Args:
            arrays: inputs of the graph by name.
            while_computing: called once the passes have begun on a GPU, or have ended on a CPU.
        """
        tensors, run = self.inputs(arrays), self.new_run()
        outputs = self.bound.compute(
            {**self.bound.parameters, **self.bound.statistics, **tensors}, run
        )
        self.keep(outputs)
        losses = [output for output in outputs if output.requires_grad]
        if losses:
            torch.autograd.backward(losses, [torch.ones_like(loss) for loss in losses])
        self.fill()
        self.end(run, while_computing)

    def inputs(self, arrays: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """Check the shapes of a batch, and copy it to the device.

        Args:
            arrays: inputs of the graph by name.
        """
        plan = self.bound.plan
        shapes = {name: tuple(array.shape) for name, array in arrays.items()}
        if self._key(shapes) not in self._checked:
            plan.check_batch(shapes, self.bound.symbol)
            self._checked.add(self._key(shapes))
        return batch_tensors(arrays, plan.inputs, self._device)

    def new_run(self) -> Run:
        """Begin a pass in training."""
        return Run(
            training=True,
            precision=self.bound.precision,
            reduce=self._batch_sum,
            sync_batchnorm=self._sync_batchnorm,
        )

    def keep(self, outputs: Sequence[torch.Tensor]) -> None:
        """Take a pass's outputs, which `outputs` reads."""
        self._outputs = dict(zip(self.bound.outputs, (output.detach() for output in outputs)))
        self._begin_copies()

    def fill(self) -> None:
        """Give parameters that no loss reached a gradient of 0."""
        self._gradients.fill()

    def end(self, run: Run, while_computing: Callable[[], None] | None) -> None:
        """End a pass: write its moving statistics."""
        with torch.no_grad():
            for name, value in run.statistics.items():
                self.bound.statistics[name].copy_(value)
        if while_computing is not None:
            while_computing()

    def losses(self, arrays: Mapping[str, Any], training: bool = False) -> dict[str, np.ndarray]:
        """Compute the outputs by short name; nothing else changes.

        Args:
            arrays: inputs of the graph by name.
            training: whether as in training, by this rank's batch alone; else in evaluation mode.
        """
        plan = self.bound.plan
        plan.check_batch(
            {name: tuple(array.shape) for name, array in arrays.items()}, self.bound.symbol
        )
        tensors = batch_tensors(arrays, plan.inputs, self._device)
        with torch.no_grad():
            outputs = self.bound.compute(
                {**self.bound.parameters, **self.bound.statistics, **tensors},
                Run(training=training, precision=self.bound.precision),
            )
        values = dict(zip(self.bound.outputs, outputs))
        return {name: np.array(value.cpu().numpy()) for name, value in values.items()}

    def take_part(self, arrays: Mapping[str, Any]) -> None:
        """Take part in the sums of other ranks' passes, with a row that counts nowhere.

        Args:
            arrays: inputs of the graph by name, of one row.
        """
        if self._batch_sum is None or not self._is_synchronized:
            self._gradients.fill()
            return
        parameters, statistics = self.bound.trained, self.bound.statistics
        gradients = {
            name: None if parameter.grad is None else parameter.grad.clone()
            for name, parameter in parameters.items()
        }
        before = {name: statistics[name].clone() for name in self._unsynchronized}
        self._batch_sum.is_empty = True
        try:
            self.run(arrays)
        finally:
            self._batch_sum.is_empty = False
        for name, gradient in gradients.items():
            parameters[name].grad = gradient
        self._gradients.fill()
        for name, value in before.items():
            statistics[name].copy_(value)

    @property
    def _is_synchronized(self) -> bool:
        """Whether a BatchNorm of the graph uses the batch of all ranks."""
        return len(self._unsynchronized) < len(self.bound.statistics)

    @cached_property
    def _unsynchronized(self) -> list[str]:
        """Names of the statistics of each rank's own batches."""
        if self._sync_batchnorm:
            return []
        synchronized = {
            source.node.name
            for node in self.bound.plan.graph.nodes
            if node.op == "_contrib_SyncBatchNorm"
            for source in node.inputs
        }
        return [name for name in self.bound.statistics if name not in synchronized]

    def outputs(self, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
        """Outputs of the last batch by short name; waits for its forward pass only."""
        chosen = dict.fromkeys(self._outputs if names is None else names)
        self._read = chosen
        if self._copied is not None:
            self._copied.synchronize()
        return {
            name: np.array(self._copies.get(name, self._outputs[name]).cpu().numpy())
            for name in chosen
        }

    def _begin_copies(self) -> None:
        """Copy outputs that the caller reads before the backward pass occupies a GPU."""
        self._copies = {}
        if self._device.type != "cuda":
            return
        for name in self._read:
            if name in self._outputs:
                output = self._outputs[name]
                copy = torch.empty(output.shape, dtype=output.dtype, pin_memory=True)
                self._copies[name] = copy.copy_(output, non_blocking=True)
        self._copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
        self._copied.record()

    def _key(self, shapes: Mapping[str, tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(shapes[name]) for name in self.bound.plan.inputs)
