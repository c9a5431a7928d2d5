"""The heads' gradients of an update, by a pass of the whole network for each head."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from densefit.data.batch import Batch
from densefit.engine.engine import Engine
from densefit.train.balance.gradients.balancer import GradientBalancer


class SeparatePasses:
    """Compare the gradients of the shared parameters, exactly.

    An update takes a forward and backward pass for each head with labels in it, and one pass if no
    head has any. BatchNorm's statistics come from the first pass, and dropout is the same in each.

    Args:
        balancer: balancer of gradients.
        learner: engine, bound for training.
        head_of: counted loss -> its head.
        heads: names, in network order.
        is_shared: whether several ranks make the update, which sum each head's gradients.

    Raises:
        ConfigError: the heads share no parameter that is trained.
    """

    def __init__(
        self,
        balancer: GradientBalancer,
        learner: Engine,
        head_of: Mapping[str, str],
        heads: Sequence[str],
        is_shared: bool = False,
    ) -> None:
        self._balancer, self._learner = balancer, learner
        self._head_of, self._heads = head_of, list(heads)
        self._gradients = learner.gradients.per_head()
        self._is_shared = is_shared
        self._first = 0  # index of the first pass's head

    def begin(self, update: int, present: Sequence[str]) -> None:
        """Begin an update with labels for some heads."""
        self._gradients.clear()
        self._first = self._heads.index(present[0]) if present else 0

    def compute(
        self,
        batch: Batch,
        first: bool,
        shares: Mapping[str, float],
        while_computing: Callable[[], None] | None = None,
    ) -> None:
        """Compute the first head's pass over a micro-batch; see `Engine.compute`."""
        shares = self._only(self._heads[self._first], shares)
        self._learner.compute(batch, first, shares, while_computing)
        if first and self._balancer.is_independent:
            self._gradients.take_part(self._first)

    def finish(
        self,
        batches: Sequence[Batch],
        present: Sequence[str],
        shares: Mapping[str, float],
        reseed: Callable[[], None] | None,
    ) -> None:
        """Compute the passes of the rest, and replace the gradients by their combination."""
        self._gradients.take(self._first)
        statistics = self._learner.parameters.statistics()
        for row, name in enumerate(self._heads):
            if row == self._first or name not in present:
                continue
            if reseed is not None:
                reseed()
            for number, batch in enumerate(batches):
                self._learner.compute(batch, number == 0, self._only(name, shares))
                if number == 0 and self._balancer.is_independent:
                    self._gradients.take_part(row)
            if self._is_shared:  # the first pass's gradients are summed already
                self._learner.gradients.sum_ranks()
            self._gradients.take(row)
        self._learner.parameters.set_statistics(statistics)
        # The balancer receives gradients of the mean loss, as the update applies them.
        scale = self._learner.gradients.mean_factor()
        first = self._gradients.part
        if first is not None and len(batches) > 1:
            self._observe_parts(first, batches, scale)
        self._gradients.put(self._balancer.combine(self._gradients.rows * scale) / scale)

    def _observe_parts(self, first: np.ndarray, batches: Sequence[Batch], scale: float) -> None:
        """Report the gradients of the mean losses of the first micro-batch, and of the rest."""
        rows = self._gradients.rows
        counts = np.array([[b.labelled[name].sum() for b in batches] for name in self._heads])
        whole, part = counts.sum(axis=1), counts[:, 0]
        shares = [
            np.divide(whole, n, where=n > 0, out=np.zeros(len(n))) for n in (part, whole - part)
        ]
        of_first, of_rest = (scale * share[:, None].astype(np.float32) for share in shares)
        self._balancer.observe_parts(first * of_first, (rows - first) * of_rest)

    def _only(self, head: str, shares: Mapping[str, float]) -> dict[str, float]:
        return {k: share if self._head_of[k] == head else 0.0 for k, share in shares.items()}
