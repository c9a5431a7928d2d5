"""Base class of balancers that combine gradients by chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from densefit.train.balance.gradients.balancer import GradientBalancer
from densefit.train.balance.rlw import check_seed


class DrawnBalancer(GradientBalancer):
    """Draws that follow from the seed and the number of draws, which a resume continues.

    Args:
        seed: seed of the draws, 0 or more.
        at: "parameters" or "features": the gradients that are compared, see `GradientBalancer`.
        every: updates from one comparison to the next, 1 or more.
        accumulated: "all" or "previous": the micro-batches that are compared.

    Attributes:
        stream: separates these draws from others of the same seed and number.
    """

    stream: ClassVar[int]

    def __init__(
        self,
        seed: int = 0,
        *,
        at: str = "parameters",
        every: int = 1,
        accumulated: str = "all",
    ) -> None:
        super().__init__(at=at, every=every, accumulated=accumulated)
        check_seed(seed, type(self).__name__)
        self.seed = seed

    def next_draw(self) -> tuple[int, int, int]:
        """Seed of the next draw's generator."""
        self._done += 1
        return self.seed, self._done - 1, self.stream

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "done": self._done}

    def _begin(self, total: int | None, updates_per_epoch: int | None) -> None:
        self._done = 0

    def _load(self, state: Mapping[str, Any]) -> None:
        super()._load(state)
        self._done = int(state["done"])
