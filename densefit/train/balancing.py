"""Loss balancing in the training step: measures each head's loss and gradients."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from densefit.data.batch import Batch
from densefit.engine.engine import Engine
from densefit.errors import ConfigError
from densefit.model.heads.adapter import HeadAdapter
from densefit.model.heads.network_head import NetworkHead
from densefit.train.balance import Balancer, GradientBalancer
from densefit.train.separate_passes import SeparatePasses
from densefit.train.split_update import SplitUpdate

LONELY = 100  # updates without two labelled heads, after which a warning comes
_log = logging.getLogger("densefit")


class Balancing:
    """Apply a balancer in the updates of a learner.

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
        self._sum_losses, self._is_shared = sum_losses or dict, sum_losses is not None
        self.balancer, self._learner = balancer, learner
        self._adapters = {
            n: adapter for n, adapter in adapters.items() if isinstance(adapter, NetworkHead)
        }
        self._heads = list(self._adapters)
        self._head_of = {
            key: n for n, adapter in self._adapters.items() for key in adapter.label_groups
        }
        self._losses: dict[str, float] = {}  # counted loss -> sum
        self.used: dict[str, float] = {}
        self._update = 0
        self._alone = 0  # leading updates with labels for at most one head
        self._present: list[str] = []  # heads with labels in the update
        self._bound: Any = None  # gradients that the passes are of
        self._apart: SeparatePasses | None = None
        self._split: SplitUpdate | None = None
        self._passes: SeparatePasses | SplitUpdate | None = None  # of the present update
        self._bind()

    def _bind(self) -> None:
        """Prepare the passes that compare gradients, again after the learner is bound again."""
        if self._bound is self._learner.gradients or not isinstance(
            self.balancer, GradientBalancer
        ):
            return
        self._bound, balancer = self._learner.gradients, self.balancer
        self._apart = self._split = None
        if balancer.at == "parameters":
            self._apart = SeparatePasses(
                balancer, self._learner, self._head_of, self._heads, self._is_shared
            )
        if balancer.at == "features" or balancer.every > 1:
            self._split = SplitUpdate(balancer, self._learner)

    def begin(self, update: int, labelled: Mapping[str, int]) -> dict[str, float]:
        """Begin an update; returns the factor on each head's loss.

        Args:
            update: number of the update.
            labelled: counted loss -> number of labelled samples.
        """
        self._losses, self._update = {}, update
        self._present = [name for name in self._heads if labelled[name]]
        if isinstance(self.balancer, GradientBalancer):
            self._bind()
            apart = self._apart if self.balancer.compares(update) else None
            self._passes = apart or self._split
            if self._passes is not None:
                self._passes.begin(update, self._present)
        weights = self.balancer.weights(update)
        if not self.balancer.learned:  # learned weights are read after the forward pass
            self.used = dict(weights)
        return weights

    def compute(
        self,
        batch: Batch,
        first: bool,
        shares: Mapping[str, float],
        while_computing: Callable[[], None] | None = None,
    ) -> None:
        """Compute a micro-batch, or what the balancer needs of it first; see `Engine.compute`."""
        compute = self._learner.compute if self._passes is None else self._passes.compute
        compute(batch, first, shares, while_computing)

    def take_in(self, outputs: Mapping[str, Any], batch: Batch) -> None:
        """Add the losses of a micro-batch."""
        if self.balancer.needs != "nothing":
            self._add(self._losses, outputs, batch)

    def _add(self, losses: dict[str, float], outputs: Mapping[str, Any], batch: Batch) -> None:
        for adapter in self._adapters.values():
            for key, total in adapter.loss_sums(outputs, batch.labelled).items():
                losses[key] = losses.get(key, 0.0) + total

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
        self.balancer.observe(self._means(self._losses, labelled))
        if self._passes is not None:
            self._warn_if_lonely(labelled)
            self._passes.finish(batches, self._present, shares, reseed)

    def finish_applied(
        self,
        batches: Sequence[Batch],
        labelled: Mapping[str, int],
        shares: Mapping[str, float],
        reseed: Callable[[], None] | None,
    ) -> None:
        """Report the losses of the same samples after an update, if the balancer needs them.

        Args:
            batches: the micro-batches.
            labelled: counted loss -> number of labelled samples.
            shares: counted loss -> factor.
            reseed: repeats the random numbers of the first pass; None if there are none.
        """
        if not self.balancer.needs_losses_after:
            return
        losses: dict[str, float] = dict.fromkeys(self._losses, 0.0)
        statistics = self._learner.parameters.statistics()
        if reseed is not None:
            reseed()
        for batch in batches:
            if batch.real:
                self._add(losses, self._learner.losses(batch, shares, training=True), batch)
        self._learner.parameters.set_statistics(statistics)
        means = self._means(losses, labelled)
        if all(map(math.isfinite, means.values())):  # else the next update raises
            self.balancer.observe_after(means)

    def _means(self, losses: Mapping[str, float], labelled: Mapping[str, int]) -> dict[str, float]:
        """Means over all ranks of the losses with labelled samples."""
        sums = self._sum_losses(losses)
        return {key: total / labelled[key] for key, total in sums.items() if labelled[key]}

    def _warn_if_lonely(self, labelled: Mapping[str, int]) -> None:
        """Warn once if no update had labels for two heads."""
        if self._alone < 0 or len(self._heads) < 2:
            return
        compared = getattr(self.balancer, "members", self._heads)
        several = sum(labelled[name] > 0 for name in compared) > 1
        self._alone = -1 if several else self._alone + 1
        if self._alone == LONELY:
            _log.warning(
                "%s compares the heads' gradients within an update, and none of %d updates had "
                "labels for two heads: it changes nothing, and costs a pass for each\n"
                "  fix:      batches='mixed' in the mixture, accumulate, or another balance",
                type(self.balancer).__name__,
                LONELY,
            )


def check_balanced(
    balancer: Balancer | None,
    adapters: Mapping[str, HeadAdapter],
    ranks: int = 1,
    accumulate: int | None = None,
) -> None:
    """Raise ConfigError for a balancer of routes, whose losses are not separate.

    Also for several `ranks` where gradients of a rank's samples alone would be compared: those of
    features, or of micro-batches. And for one that compares micro-batches, with `accumulate` of 1.
    """
    if isinstance(balancer, GradientBalancer) and balancer.is_independent and accumulate == 1:
        raise ConfigError(
            "The gradients of independent micro-batches are compared, and an update has one",
            expected="accumulate of 2 or more",
            received="accumulate=1",
            where=f"balance={type(balancer).__name__}(...)",
            fix="accumulate=2 with half the batch size: the same update; or another balancer",
        )
    if isinstance(balancer, GradientBalancer) and ranks > 1:
        is_whole = balancer.at == "parameters" and balancer.every == 1
        if balancer.is_independent or not is_whole:
            raise ConfigError(
                "Gradients of features and of micro-batches are those of one rank's samples",
                expected="at='parameters', every=1, whose gradients are summed over the ranks",
                received=f"at={balancer.at!r}, every={balancer.every}, {ranks} ranks",
                where=f"balance={type(balancer).__name__}(...)",
                fix="another balancer, such as cagrad, or one rank"
                if balancer.is_independent
                else "at='parameters', every=1; a balancer of losses (dwa, famo); or one rank",
            )
    routes = [name for name, adapter in adapters.items() if not isinstance(adapter, NetworkHead)]
    if balancer is not None and routes:
        raise ConfigError(
            "Losses are balanced between heads of a Network of ours",
            received=f"routes {', '.join(routes)} of a Symbol",
            where=f"balance={type(balancer).__name__}(...)",
            fix="weigh them in the Symbol (grad_scale), or make heads of them",
        )
