"""A scoring pass that several ranks make together: each scores a part, rank 0 merges."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from densefit.distributed import World
from densefit.errors import DataError
from densefit.evaluation.scoring_pass import ScoringPass
from densefit.metrics import Metric


class RankPass:
    """Divide a scoring pass among ranks, if its data can be.

    A Loader's ranks read runs of the batches that one process reads, one after the other, so that
    merged states have the samples in its order. Other data are scored by rank 0 alone.

    Args:
        world: the ranks.
        data: loader or iterator of the data.
        is_divisible: whether the pass may be divided.
        where: purpose of the data, for names of collectives.

    Attributes:
        unreadable: samples that the ranks left out of a divided pass.
    """

    def __init__(self, world: World, data: Any, is_divisible: bool, where: str) -> None:
        self._world, self._data, self._where = world, data, where
        self._is_divided = world.is_shared and is_divisible and hasattr(data, "shard")
        self.unreadable = 0

    @contextmanager
    def part(self) -> Iterator[None]:
        """Let the data be this rank's part within the block."""
        if not self._is_divided:
            yield
            return
        self._data.shard(self._world.rank, self._world.size, is_for_scoring=True)
        try:
            yield
        finally:
            self._data.shard()

    def scan(
        self,
        scan: Callable[[], bool],
        metrics: Mapping[str, Sequence[Metric]],
        seen: ScoringPass,
    ) -> bool:
        """Score this rank's part, and merge all of them on rank 0.

        Args:
            scan: updates metrics and `seen`; returns whether it ran to the end.
            metrics: head -> metrics.
            seen: record of the samples.

        Returns:
            Whether all ranks ran to the end.

        Raises:
            DataError: another rank's part cannot be scored.
        """
        if not self._world.is_shared:
            return scan()
        is_whole, failure = True, None
        try:
            if self._is_divided or self._world.is_first:
                with self.part():
                    is_whole = scan()
                    unreadable = int(getattr(self._data, "unreadable", 0))
            else:
                unreadable = 0
        except Exception as error:
            failure, unreadable = error, 0
        report = {
            "failure": None if failure is None else f"{type(failure).__name__}: {failure}",
            "is_whole": is_whole,
            "unreadable": unreadable,
        }
        reports = self._world.all_gather(f"{self._where} pass", report)
        if failure is not None:
            raise failure
        for rank, other in enumerate(reports):
            if other["failure"] is not None:
                raise DataError(f"Rank {rank} could not score its part", received=other["failure"])
        if not all(other["is_whole"] for other in reports):
            return False
        if self._is_divided:  # a loader forgets its count when its part changes
            self.unreadable = sum(other["unreadable"] for other in reports)
            self._merge(metrics, seen)
        return True

    def _merge(self, metrics: Mapping[str, Sequence[Metric]], seen: ScoringPass) -> None:
        """Merge the states of all ranks into rank 0's, in their order."""
        states = {head: [metric.state_dict() for metric in some] for head, some in metrics.items()}
        value = {"metrics": states, "seen": seen.state_dict()}
        values = self._world.gather(f"{self._where} states", value)
        for other in (values or [])[1:]:
            seen.merge(other["seen"])
            for head, some in metrics.items():
                for metric, state in zip(some, other["metrics"][head]):
                    twin = metric.fresh()
                    twin.load_state_dict(state)
                    metric.merge(twin)

    def share(self, scores: Callable[[], dict[str, float]], seen: ScoringPass) -> dict[str, float]:
        """Compute scores on rank 0; returns them, and the unlabelled heads in `seen`, on all.

        Raises:
            DataError: rank 0 cannot compute them; there it is the error itself.
        """
        if not self._world.is_shared:
            return scores()
        value: Any = None
        failure: Exception | None = None
        if self._world.is_first:
            try:
                value = [scores(), sorted(seen.unlabelled)]
            except Exception as error:
                failure = error
                value = f"{type(error).__name__}: {error}"
        value = self._world.broadcast(f"{self._where} scores", value)
        if failure is not None:
            raise failure
        if isinstance(value, str):
            raise DataError("Rank 0 could not compute the scores", received=value)
        computed, unlabelled = value
        seen.unlabelled = set(unlabelled)
        return dict(computed)
