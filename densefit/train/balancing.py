"""Loss balancing in the training step: measures each head's loss and gradients."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from densefit.data.batch import Batch
from densefit.engine.engine import Engine
from densefit.errors import ConfigError
from densefit.model.heads.adapter import HeadAdapter
from densefit.model.heads.network_head import NetworkHead
from densefit.train.balance import Balancer

LONELY = 100  # updates without two labelled heads, after which a warning comes
_log = logging.getLogger("densefit")


class Balancing:
    """Apply a balancer in the updates of a learner.

    Where the balancer needs the heads' gradients, an update takes a forward and backward pass for
    each head with labels in it, and one pass if no head has any. BatchNorm's statistics come from
    the first pass, and dropout is the same in each.

    Args:
        balancer: balancer, after `begin`.
        learner: engine, bound for training.
        adapters: heads by name.
        sum_losses: sums the losses of an update over the ranks; None for one rank.

    Attributes:
        used: head -> factor on its loss in the present or last update.
    """

    def __init__(
        self,
        balancer: Balancer,
        learner: Engine,
        adapters: Mapping[str, HeadAdapter],
        sum_losses: Callable[[Mapping[str, float]], Mapping[str, float]] | None = None,
    ) -> None:
        self._sum_losses = sum_losses or dict
        self.balancer, self._learner = balancer, learner
        self._adapters = {
            n: adapter for n, adapter in adapters.items() if isinstance(adapter, NetworkHead)
        }
        self._heads = list(self._adapters)
        self._apart = balancer.needs == "gradients"
        self._gradients = learner.gradients.per_head() if self._apart else None
        self._bound = learner.gradients
        self._head_of = {
            key: n for n, adapter in self._adapters.items() for key in adapter.label_groups
        }
        self._losses: dict[str, float] = {}  # counted loss -> sum
        self.used: dict[str, float] = {}
        self._update = 0
        self._first = 0  # index of the first pass's head
        self._alone = 0  # leading updates with labels for at most one head

    def begin(self, update: int, labelled: Mapping[str, int]) -> dict[str, float]:
        """Begin an update; returns the factor on each head's loss.

        Args:
            update: number of the update.
            labelled: counted loss -> number of labelled samples.
        """
        self._losses, self._update = {}, update
        if self._apart and self._bound is not self._learner.gradients:  # it was bound again
            self._bound = self._learner.gradients
            self._gradients = self._bound.per_head()
        self._first = next((row for row, n in enumerate(self._heads) if labelled[n]), 0)
        weights = self.balancer.weights(update)
        if not self.balancer.learned:  # learned weights are read after the forward pass
            self.used = dict(weights)
        return weights

    def first_pass(self, shares: Mapping[str, float]) -> dict[str, float]:
        """Return the factors of the first pass over the micro-batches."""
        return self._only(self._heads[self._first], shares) if self._apart else dict(shares)

    def take_in(self, outputs: Mapping[str, Any], batch: Batch) -> None:
        """Add the losses of a micro-batch."""
        if self.balancer.needs == "nothing":
            return
        for adapter in self._adapters.values():
            for key, total in adapter.loss_sums(outputs, batch.labelled).items():
                self._losses[key] = self._losses.get(key, 0.0) + total

    def finish(
        self,
        batches: Sequence[Batch],
        labelled: Mapping[str, int],
        shares: Mapping[str, float],
        reseed: Callable[[], None] | None,
    ) -> None:
        """Report losses and gradients to the balancer, and apply its combined gradient.

        Args:
            batches: the micro-batches, after the first pass.
            labelled: counted loss -> number of labelled samples.
            shares: counted loss -> factor.
            reseed: repeats the random numbers of the first pass; None if there are none.

        Raises:
            TrainingDiverged: a loss or a gradient is not finite.
        """
        if self.balancer.learned:
            self.used = self.balancer.weights_now(
                self._update, lambda name: float(self._learner.parameters.value(name)[0])
            )
        if self.balancer.needs == "nothing":
            return
        losses = self._sum_losses(self._losses)
        self.balancer.observe(
            {key: total / labelled[key] for key, total in losses.items() if labelled[key]}
        )
        if self._gradients is None:
            return
        self._warn_if_lonely(labelled)
        self._gradients.clear()
        self._gradients.take(self._first)
        statistics = self._learner.parameters.statistics()
        for row, name in enumerate(self._heads):
            if row == self._first or not labelled[name]:
                continue
            if reseed is not None:
                reseed()
            for number, batch in enumerate(batches):
                self._learner.compute(batch, number == 0, self._only(name, shares))
            self._gradients.take(row)
        self._learner.parameters.set_statistics(statistics)
        # The balancer receives gradients of the mean loss, as the update applies them.
        scale = self._learner.gradients.mean_factor()
        self._gradients.put(self.balancer.combine(self._gradients.rows * scale) / scale)

    def _warn_if_lonely(self, labelled: Mapping[str, int]) -> None:
        """Warn once if no update had labels for two heads."""
        if self._alone < 0 or len(self._heads) < 2:
            return
        several = sum(labelled[name] > 0 for name in self._heads) > 1
        self._alone = -1 if several else self._alone + 1
        if self._alone == LONELY:
            _log.warning(
                "%s compares the heads' gradients within an update, and none of %d updates had "
                "labels for two heads: it changes nothing, and costs a pass for each\n"
                "  fix:      batches='mixed' in the mixture, accumulate, or another balance",
                type(self.balancer).__name__,
                LONELY,
            )

    def _only(self, head: str, shares: Mapping[str, float]) -> dict[str, float]:
        return {k: share if self._head_of[k] == head else 0.0 for k, share in shares.items()}


def check_balanced(
    balancer: Balancer | None, adapters: Mapping[str, HeadAdapter], ranks: int = 1
) -> None:
    """Raise ConfigError for a balancer of routes, whose losses are not separate.

    Also for one that compares the heads' gradients, if there are several `ranks`: each has the
    gradients of its own samples.
    """
    if balancer is not None and balancer.needs == "gradients" and ranks > 1:
        raise ConfigError(
            "The heads' gradients are compared within one process",
            received=f"{ranks} ranks",
            where=f"balance={type(balancer).__name__}(...)",
            fix="a balancer of losses (df.balance.DWA(), df.balance.Uncertainty()), or one rank",
        )
    routes = [name for name, adapter in adapters.items() if not isinstance(adapter, NetworkHead)]
    if balancer is not None and routes:
        raise ConfigError(
            "Losses are balanced between heads of a Network of ours",
            received=f"routes {', '.join(routes)} of a Symbol",
            where=f"balance={type(balancer).__name__}(...)",
            fix="weigh them in the Symbol (grad_scale), or make heads of them",
        )
