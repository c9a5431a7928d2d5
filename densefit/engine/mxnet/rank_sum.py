"""Sum of a Module's gradients over the ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.distributed import World
from densefit.engine.batch_reader import BatchReader
from densefit.engine.mxnet.rank_store import new_key, rank_store
from densefit.engine.settings import BindSettings
from densefit.errors import ConfigError
from densefit.model.network import Network
from densefit.model.symbol_graph import SymbolGraph


def check_no_synchronization(
    network: Network, reader: BatchReader, settings: BindSettings, ranks: int
) -> None:
    """Raise ConfigError for BatchNorm over all ranks, which the kvstore cannot compute.

    Args:
        network: network that is trained.
        reader: reader of the training data.
        settings: settings of the binding.
        ranks: number of ranks.
    """
    if ranks == 1:
        return
    nodes = SymbolGraph.of(network.graph("train", reader.input_size, settings.weigh)).nodes
    names = [node.name for node in nodes if node.op == "_contrib_SyncBatchNorm"]
    if settings.sync_batchnorm or names:
        raise ConfigError(
            "SyncBatchNorm is not computed over ranks by MXNet: its kvstore dist_sync sums "
            "gradients after the backward pass, and nothing within a pass",
            received=f"layers {', '.join(names)}" if names else "sync_batchnorm=True",
            where=f"{ranks} ranks",
            fix="engine='torch'; or BatchNorm over each rank's samples, in larger batches",
        )


class RankSum:
    """Replace gradients by their sums over the ranks, in one message an update.

    The kvstore only adds: it has no optimizer. It adds in the order in which the ranks arrive, so
    that sums of three or more float32 numbers would differ between runs in the last bit: these are
    added in float64, in which they are exact, unless they differ by more than 2**27.

    Args:
        world: the ranks.
        gradients: gradient of each trained parameter, on each device.

    Raises:
        ConfigError: several devices in one rank, or gradients that are stored as row_sparse.
    """

    def __init__(self, world: World, gradients: Mapping[str, Sequence[Any]]) -> None:
        for name, replicas in gradients.items():
            if len(replicas) > 1 or replicas[0].stype != "default":
                is_sparse = replicas[0].stype != "default"
                raise ConfigError(
                    "The gradients of this training cannot be summed over ranks",
                    expected="one device per rank, and dense gradients",
                    received=f"a row_sparse gradient of {name}"
                    if is_sparse
                    else f"{len(replicas)} devices",
                    where=f"rank {world.rank} of {world.size}",
                    fix="dense parameters (sparse_grad=False)"
                    if is_sparse
                    else "start a rank for each device: densefit launch --nproc ...",
                )
        arrays = [replicas[0] for replicas in gradients.values()]
        is_double = world.size > 2 or any(array.dtype == np.float64 for array in arrays)
        self._dtype = "float64" if is_double else "float32"
        self._arrays = arrays
        self._store, self._key = rank_store(world), new_key()
        size = sum(array.size for array in arrays) + 1
        self._sum = mx.nd.zeros((size,), dtype=self._dtype)
        self._store.init(self._key, self._sum)

    def __call__(self, samples: float) -> float:
        """Sum gradients and number of samples; returns the number, nan if that of a rank is."""
        flat = [array.reshape((-1,)) for array in self._arrays if array.size]
        flat = [array.astype(self._dtype, copy=False) for array in flat]
        count = mx.nd.array([samples], dtype=self._dtype)
        self._store.push(self._key, mx.nd.concat(*flat, count, dim=0))
        self._store.pull(self._key, out=self._sum)
        start = 0
        for array in self._arrays:
            if array.size:
                part = mx.nd.slice_axis(self._sum, axis=0, begin=start, end=start + array.size)
                array[:] = part.reshape(array.shape).astype(array.dtype, copy=False)
                start += array.size
        return float(self._sum[start:].asscalar())
