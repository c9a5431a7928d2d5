"""The gradients that a backward pass leaves in a bound Module."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.data.batch import Batch
from densefit.distributed import World
from densefit.engine.graph.losses import shared_parameters
from densefit.engine.mxnet.ndarrays import HostViews, host_view
from densefit.engine.mxnet.rank_sum import RankSum
from densefit.engine.training.head_gradients import HeadGradients
from densefit.engine.training.sample_count import SampleCount
from densefit.model.network import Network


class Gradients(SampleCount):
    """Gradients of the micro-batches computed since the last update.

    Args:
        module: Module bound for training.
        network: network that is trained.
        adds: whether gradients of several micro-batches are summed.
        world: ranks that train together; None for one.
    """

    def __init__(
        self, module: Any, network: Network, adds: bool = False, world: World | None = None
    ) -> None:
        super().__init__(network)
        self._module, self._network, self._adds = module, network, adds
        self._viewed: Any = None  # the Module's gradients that `_views` are of
        self._views: HostViews | None = None
        if world is not None and world.is_shared:
            self.rank_sum = RankSum(world, gradient_arrays(module))

    def begin(self, batch: Batch, first: bool, shares: Mapping[str, float] | None) -> None:
        """Begin a micro-batch, the `first` of an update or a further one.

        Without `shares`, the mean of the losses is over the labelled samples.
        """
        if first and (self._adds or not batch.real):
            zero_gradients(self._module)
        self.count(batch, first, shares)

    def norm(self) -> float:
        """Norm of the mean loss's gradient over all parameters; waits for the backward pass.

        Not finite if any of the gradients is not.
        """
        present = self._module._exec_group.grad_arrays
        if (
            present is not self._viewed
        ):  # otherwise the memory has not changed since the last update
            arrays = [replicas[0] for replicas in present if replicas and replicas[0] is not None]
            self._viewed, self._views = present, None
            if all(len(replicas) == 1 for replicas in present) and all(map(is_viewed, arrays)):
                self._views = HostViews([array for array in arrays if array.size])
        if self._views is None:
            square = squared_norm(gradient_arrays(self._module).values())
        else:
            square = 0.0
            for view in self._views.read():
                square += float(np.dot(view, view))
        return math.sqrt(square) * self.mean_factor()

    def not_finite(self) -> list[str]:
        """Names of the parameters whose gradient is nan or infinite."""
        return [
            name
            for name, replicas in gradient_arrays(self._module).items()
            if not all(np.isfinite(array.asnumpy()).all() for array in replicas)
        ]

    def per_head(self) -> HeadGradients:
        """Collect the gradients of each head separately.

        Raises:
            ConfigError: the heads share no parameter that is trained.
        """
        arrays = gradient_arrays(self._module)
        shared = shared_parameters(self._module.symbol, self._network, list(arrays))
        return HeadGradients(
            {name: replicas[0].shape for name, replicas in arrays.items()},
            shared,
            len(self._network.adapters),
            read=lambda name: _sum(arrays[name]),
            write=lambda name, value: _set(arrays[name], value),
        )


def gradient_arrays(module: Any) -> dict[str, list[Any]]:
    """Gradient of each trained parameter on each device, by name."""
    group = module._exec_group
    return {
        name: replicas
        for name, replicas in zip(group.param_names, group.grad_arrays)
        if replicas and replicas[0] is not None
    }


def zero_gradients(module: Any) -> None:
    """Set the gradients of a Module that sums them to 0."""
    for replicas in gradient_arrays(module).values():
        for array in replicas:
            array[:] = 0


def is_viewed(array: Any) -> bool:
    """Whether numpy reads a gradient in MXNet's memory."""
    is_dense = array.stype == "default" and array.context.device_type == "cpu"
    return bool(is_dense and array.dtype == np.float32)


def squared_norm(gradients: Iterable[Sequence[Any]]) -> float:
    """The sum of the squares of all gradients; nan or infinite if one of them is.

    On a CPU numpy reads MXNet's memory: 1.3 ms for 11 million numbers, where `multi_sum_sq` takes
    6 ms, and errs in the third digit.

    Args:
        gradients: for each parameter an NDArray per device, which are summed.
    """
    total = 0.0
    waiting = []
    # The first layers' gradients first: they are computed last, so nothing competes with the
    # backward pass for the cores during the wait.
    for replicas in gradients:
        whole = replicas[0]
        if len(replicas) > 1:
            whole = mx.nd.add_n(*(array.as_in_context(whole.context) for array in replicas))
        if whole.stype != "default":  # only some rows are there; the others are 0
            whole = whole.data
        if whole.size == 0:
            continue
        if is_viewed(whole):
            flat = host_view(whole).ravel()
            total += float(np.dot(flat, flat))
        else:
            flat = whole.reshape(-1).astype(np.float32)
            waiting.append(mx.nd.dot(flat, flat))
    return total + math.fsum(float(square.asscalar()) for square in waiting)


def _sum(replicas: Sequence[Any]) -> np.ndarray:
    """Sum the gradient of a parameter over all devices."""
    total: np.ndarray = replicas[0].asnumpy()
    for other in replicas[1:]:
        total = total + other.asnumpy()
    return total


def _set(replicas: Sequence[Any], value: np.ndarray) -> None:
    """Write a gradient to the first device and 0 to the others, as devices are summed."""
    replicas[0][:] = value
    for other in replicas[1:]:
        other[:] = 0
