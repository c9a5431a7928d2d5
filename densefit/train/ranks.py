"""What the ranks of a training share: counts, refusals, requests, metrics and statistics."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from densefit.callbacks.callback import Control
from densefit.checkpoint.training.session import Session
from densefit.checkpoint.training.snapshot import metric_states
from densefit.data.batch import Batch
from densefit.data.loader.object_counts import sum_counts
from densefit.distributed import World
from densefit.errors import DistributedError, TrainingDiverged
from densefit.train.signals import Signals

_SEED_STEP = 1_000_003  # between the seeds of neighbouring ranks


class Ranks:
    """Keep the ranks of a training in step; each method is a collective, or does nothing alone.

    Args:
        world: the ranks.
        session: the training.
        control: requests of callbacks, which run on rank 0.
        signals: SIGINT and SIGTERM of this process.

    Attributes:
        is_shared: whether there are several ranks.
    """

    def __init__(
        self,
        world: World,
        session: Session,
        control: Control | None = None,
        signals: Signals | None = None,
    ) -> None:
        self.world, self.is_shared, self._session = world, world.is_shared, session
        self._control, self._signals = control or Control(), signals or Signals()
        self._shared_signal: int | None = None

    @property
    def signal(self) -> int | None:
        """The signal that ends the training: of several ranks, the one that all know of."""
        return self._shared_signal if self.is_shared else self._signals.received

    def seed(self, seed: int) -> int:
        """Seed of what this rank's engine draws at random; rank 0 has the training's."""
        return seed + self.world.rank * _SEED_STEP

    def sum_samples(
        self, batches: Sequence[Batch], keys: Iterable[str]
    ) -> tuple[int, dict[str, int], dict[str, int]]:
        """Sum the samples, labelled samples and objects of an update over batches and ranks.

        Args:
            batches: the micro-batches of this rank.
            keys: names of counted losses or heads, as in `Batch.labelled`.
        """
        samples = sum(batch.real for batch in batches)
        labelled = {key: sum(int(batch.labelled[key].sum()) for batch in batches) for key in keys}
        objects = sum_counts([batch.counts for batch in batches])
        if not self.is_shared:
            return samples, labelled, objects
        value = {"samples": samples, "labelled": labelled, "objects": objects}
        values = self.world.all_gather(f"samples of update {self._number}", value)
        return (
            sum(value["samples"] for value in values),
            {key: sum(value["labelled"][key] for value in values) for key in labelled},
            sum_counts([value["objects"] for value in values]),
        )

    def sum_losses(self, losses: Mapping[str, float]) -> dict[str, float]:
        """Sum the losses of an update over the ranks, in their order."""
        if not self.is_shared:
            return dict(losses)
        total: dict[str, float] = {}
        for part in self.world.all_gather(f"losses of update {self._number}", dict(losses)):
            for key, value in part.items():
                total[key] = total.get(key, 0.0) + value
        return total

    def share_refusal(self, refused: TrainingDiverged | None) -> TrainingDiverged:
        """The reason why an update is refused: this rank's, or the first other rank's."""
        name = f"refusal of update {self._number}"
        texts = self.world.all_gather(name, None if refused is None else str(refused))
        if refused is not None:
            return refused
        rank = next((rank for rank, text in enumerate(texts) if text is not None), 0)
        return TrainingDiverged(f"An update is refused by rank {rank}", received=texts[rank])

    def share_requests(self, point: str) -> None:
        """Let all ranks have the signals of any, and the requests of callbacks.

        Args:
            point: where in the loop this is, the same on all ranks.
        """
        if not self.is_shared:
            return
        control, signals = self._control, self._signals
        values = self.world.all_gather(
            f"requests at {point}",
            {
                "signal": signals.received,
                "stop": control.stop_reason,
                "save": control.save_requested,
                "validate": control.validation_requested,
            },
        )
        # One that comes after this may be known to this rank alone, until the next time.
        self._shared_signal = _first(value["signal"] for value in values)
        signals.received = self._shared_signal or signals.received
        control.stop_reason = _first(value["stop"] for value in values)
        control.save_requested = any(value["save"] for value in values)
        control.validation_requested = any(value["validate"] for value in values)

    def gather_metrics(self) -> None:
        """Merge the training metrics into rank 0's, and reset the others'."""
        if not self.is_shared:
            return
        metrics = self._session.metrics
        states = self.world.gather(f"metrics of update {self._number}", metric_states(metrics))
        for head, head_metrics in metrics.items():
            for number, metric in enumerate(head_metrics):
                if states is None:
                    metric.reset()
                    continue
                for state in (states[rank][head][number] for rank in range(1, self.world.size)):
                    if state is not None:  # else a user's metric that cannot be stored
                        twin = metric.fresh()
                        twin.load_state_dict(state)
                        metric.merge(twin)

    def mean_statistics(self) -> None:
        """Replace BatchNorm's moving statistics by their means over the ranks.

        A mean now equals means after every update, since the statistics are linear in the batches'.
        """
        if not self.is_shared:
            return
        parameters = self._session.learner.parameters
        name = f"statistics of update {self._number}"
        parts = self.world.all_gather(name, parameters.statistic_values())
        if parts[0]:
            parameters.set_statistic_values(
                {
                    key: np.mean([part[key] for part in parts], axis=0, dtype=np.float64).astype(
                        value.dtype
                    )
                    for key, value in parts[0].items()
                }
            )

    def check_equal(self, point: str, settings: Mapping[str, Any] | None = None) -> None:
        """Check that all ranks have the same parameters, bit by bit, and settings.

        Raises:
            DistributedError: they differ.
        """
        if not self.is_shared:
            return
        value = {**(settings or {}), "parameters": _checksum(self._session.learner.network)}
        values = self.world.all_gather(f"parameters at {point}", value)
        for key in value:
            several = [other[key] for other in values]
            if several.count(several[0]) < len(several):
                raise DistributedError(
                    f"The ranks have different {key.replace('_', ' ')} at {point}",
                    expected="the same on all ranks",
                    received=", ".join(f"rank {r}: {v}" for r, v in enumerate(several)),
                    fix="start all ranks with the same program, seed and data, and let nothing but "
                    "fit change parameters",
                )

    def from_first(self, name: str, compute: Callable[[], Any]) -> Any:
        """Rank 0's result of a computation, which the others do not make."""
        return self.world.broadcast(name, compute() if self.world.is_first else None)

    @property
    def _number(self) -> int:
        return self._session.state.update + 1


def _first(values: Iterable[Any]) -> Any:
    return next((value for value in values if value is not None), None)


def _checksum(network: Any) -> int:
    """Checksum of the parameters and statistics of a network."""
    total = 0
    for arrays in (network.parameters, network.statistics):
        for name in sorted(arrays):
            total = zlib.crc32(np.ascontiguousarray(arrays[name]).data, total)
    return total
