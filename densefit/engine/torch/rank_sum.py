"""Sums over the ranks: of gradients once per update, and of BatchNorm's sums within a pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.distributed as dist

from densefit.distributed import World


class RankSum:
    """Replace gradients by their sums over the ranks, in one all-reduce an update.

    One flat message, and not DistributedDataParallel's buckets: clipping, refusals and accumulation
    need the whole gradient before the update anyway, and its order of additions is the same in
    every run.

    Args:
        world: the ranks.
        parameters: the trained parameters by name.
    """

    def __init__(self, world: World, parameters: Mapping[str, torch.Tensor]) -> None:
        self._world, self._parameters = world, list(parameters.values())

    @torch.no_grad()
    def __call__(self, samples: float) -> float:
        """Sum gradients and number of samples; returns the number, nan if that of a rank is."""
        for parameter in self._parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients: list[Any] = [parameter.grad for parameter in self._parameters]
        flat = torch.cat(
            [*(gradient.reshape(-1) for gradient in gradients), gradients[0].new_tensor([samples])]
        )
        all_reduce(flat, self._world)
        parts = torch.split(flat[:-1], [gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts):
            gradient.copy_(part.view_as(gradient))
        return float(flat[-1])


class BatchSum:
    """Sum a tensor over the ranks within a pass, see `Run.reduce`.

    Args:
        world: the ranks.

    Attributes:
        is_empty: whether this rank has no sample in the micro-batch, and contributes zeros.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.is_empty = False

    def __call__(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the sum."""
        total = torch.zeros_like(tensor) if self.is_empty else tensor.detach().clone()
        all_reduce(total, self._world)
        return total


def all_reduce(tensor: torch.Tensor, world: World) -> None:
    """Replace a tensor by its sum over the ranks.

    Raises:
        DistributedError: a rank has died; it is named.
    """
    try:
        dist.all_reduce(tensor)
    except RuntimeError as error:
        raise world.explained(error) from error
