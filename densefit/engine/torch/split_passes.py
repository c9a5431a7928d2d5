"""A train graph's backward pass in two parts: each head to the features, then the trunk once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from densefit.data.batch import Batch
from densefit.engine.graph.losses import shared_parameters
from densefit.engine.graph.trunk_cut import TrunkCut, cut_trunk
from densefit.engine.torch.bind import compiled
from densefit.engine.torch.forward import Passes
from densefit.engine.torch.program import Program
from densefit.engine.training.feature_gradients import combined_rows
from densefit.model.network import Network

Tensor = torch.Tensor
Begin = Callable[[Batch, bool, "Mapping[str, float] | None"], Mapping[str, Any]]


@dataclass
class _Micro:
    """A micro-batch between the heads' backward passes and the trunk's.

    Attributes:
        tensors: inputs of the graph by name.
        maps: features as the trunk computed them, which lead its backward pass; empty if that is
            to compute them again.
        gradients: for each feature, the gradient of each head's loss by head number.
        random: states of the random generators before the trunk's forward pass.
    """

    tensors: Mapping[str, Tensor]
    maps: list[Tensor]
    gradients: list[dict[int, Tensor]]
    random: Any


class SplitPasses:
    """Run a bound train graph forward, its heads backward, and its trunk backward with weights.

    The heads read detached copies of the features, so that each head's backward pass ends there.
    Their own parameters have their gradients then. The trunk's follow once the weights are known.

    Args:
        passes: the train graph's passes, whose outputs, checks and statistics these are.
        network: network that is trained.
        begin: counts a micro-batch, as `Engine.compute` does, and returns its arrays by name.
        where: what asks for it, for errors.

    Raises:
        ConfigError: the heads share no trained parameter, or the train graph cannot be cut, see
            `cut_trunk`.
    """

    def __init__(self, passes: Passes, network: Network, begin: Begin, where: str) -> None:
        self._passes, self._bound, self._begin = passes, passes.bound, begin
        adapters = network.adapters
        head_of = {out: name for name, a in adapters.items() for out in a.outputs("train")}
        graph = self._bound.plan.graph
        shared_parameters(self._bound.symbol, network, list(self._bound.trained))
        self.cut: TrunkCut = cut_trunk(graph, head_of, self._bound.trained, where)
        self._trunk, self._heads = (
            compiled(Program(part)) for part in (self.cut.trunk, self.cut.heads)
        )
        self._trunk_inputs = [node.name for node in self.cut.trunk.nodes if node.is_variable]
        numbers = {name: number for number, name in enumerate(adapters)}
        self._count = len(numbers)
        self._outputs_of: list[list[int]] = [[] for _ in numbers]
        for position, output in enumerate(self._bound.outputs):
            self._outputs_of[numbers[head_of[output]]].append(position)
        self._waiting: list[_Micro] = []

    def heads(
        self,
        batch: Batch,
        first: bool = True,
        shares: Mapping[str, float] | None = None,
        while_computing: Callable[[], None] | None = None,
    ) -> None:
        """Run a micro-batch forward, and each head backward to the features; see `compute`."""
        arrays = self._begin(batch, first, shares)
        if first:
            self._waiting = []
        for micro in self._waiting:
            micro.maps = []  # the memory of one trunk's forward pass at a time
        tensors = self._passes.inputs(arrays)
        run = self._passes.new_run()
        random = _random_state()
        values = {**self._bound.parameters, **self._bound.statistics, **tensors}
        maps = self._trunk({name: values[name] for name in self._trunk_inputs}, run)
        leaves = [m.detach().requires_grad_(m.requires_grad) for m in maps]
        outputs = self._heads({**values, **dict(zip(self.cut.features, leaves))}, run)
        self._passes.keep(outputs)
        micro = _Micro(tensors, maps, [{} for _ in leaves], random)
        for head, positions in enumerate(self._outputs_of):
            losses = [outputs[n] for n in positions if outputs[n].requires_grad]
            if losses:
                torch.autograd.backward(losses, [torch.ones_like(loss) for loss in losses])
            for leaf, gradients in zip(leaves, micro.gradients):
                if leaf.grad is not None:
                    gradients[head], leaf.grad = leaf.grad, None
        self._waiting.append(micro)
        self._passes.end(run, while_computing)

    @torch.no_grad()
    def gram(self) -> np.ndarray:
        """Sum, over the waiting micro-batches, the products of the heads' gradients.

        Returns:
            (heads, heads) float64: of the gradients of the summed losses.
        """
        total = torch.zeros(self._count, self._count, dtype=torch.float64)
        for micro in self._waiting:
            for gradients in micro.gradients:
                for first, a in gradients.items():
                    for second, b in gradients.items():
                        if first <= second:
                            product = torch.sum(a * b, dtype=torch.float64).cpu()
                            total[first, second] += product
                            total[second, first] = total[first, second]
        return total.numpy()

    def combine(self, combine: Callable[[np.ndarray], np.ndarray]) -> None:
        """Run the trunk backward with a combination of the heads' gradients, number by number.

        Args:
            combine: (heads, P) gradients of the features -> (P,).
        """
        for micro in self._waiting:
            arrays = [
                {head: gradient.cpu().numpy() for head, gradient in gradients.items()}
                for gradients in micro.gradients
            ]
            parts = combined_rows(arrays, self._count, combine)
            micro.gradients = [
                {0: torch.as_tensor(part).to(next(iter(gradients.values())))} if gradients else {}
                for part, gradients in zip(parts, micro.gradients)
            ]
        self.trunk(np.ones(self._count))

    def trunk(self, factors: Sequence[float] | np.ndarray) -> None:
        """Run the trunk backward for the waiting micro-batches, with the heads' weighted gradients.

        All but the last of several compute their features again.

        Args:
            factors: (heads,) factors on the heads' gradients.
        """
        for micro in self._waiting:
            maps = micro.maps or self._again(micro)
            pairs = [
                (feature, _weighted(gradients, factors))
                for feature, gradients in zip(maps, micro.gradients)
                if gradients
            ]
            if pairs:
                torch.autograd.backward([f for f, _ in pairs], [g for _, g in pairs])
            micro.maps = []
        self._waiting = []
        self._passes.fill()

    def _again(self, micro: _Micro) -> list[Tensor]:
        """Compute the features once more; statistics do not move, and dropout is the same."""
        present = _random_state()
        _set_random_state(micro.random)
        values = {**self._bound.parameters, **self._bound.statistics, **micro.tensors}
        run = self._passes.new_run()
        maps = self._trunk({name: values[name] for name in self._trunk_inputs}, run)
        _set_random_state(present)
        return list(maps)


@torch.no_grad()
def _weighted(gradients: Mapping[int, Tensor], factors: Sequence[float] | np.ndarray) -> Tensor:
    """Sum a feature's gradients, each times the factor of its head; in the memory of the first."""
    (first, total), *rest = gradients.items()
    total = total.mul_(float(factors[first]))
    for head, gradient in rest:
        total.add_(gradient, alpha=float(factors[head]))
    return total


def _random_state() -> Any:
    state = torch.get_rng_state()
    return state, torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []


def _set_random_state(state: Any) -> None:
    torch.set_rng_state(state[0])
    if state[1]:
        torch.cuda.set_rng_state_all(state[1])
