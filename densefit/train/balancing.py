"""What an update does for a balancer: measures losses, and gradients head by head."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from densefit.engine.batch_reader import Fed
from densefit.engine.engine import Engine
from densefit.errors import ConfigError
from densefit.model.heads.adapter import Wire
from densefit.model.heads.network_head import HeadWire
from densefit.train.balance import Balancer

LONELY = 100  # updates
_log = logging.getLogger("densefit")


class Balancing:
    """A balancer in the updates of a learner.

    Where the balancer needs the heads' gradients, an update takes a forward and backward pass for
    each head that has labels in it, and one if none has; BatchNorm's statistics are those of the
    first pass, and dropout drops the same in each.

    Args:
        balancer: begun.
        learner: bound.
        wires: the heads by name.

    Attributes:
        used: head -> the factor on its loss in the update under way, or in the last one.
    """

    def __init__(self, balancer: Balancer, learner: Engine, wires: Mapping[str, Wire]) -> None:
        self.balancer, self._learner = balancer, learner
        self._wires = {n: wire for n, wire in wires.items() if isinstance(wire, HeadWire)}
        self._heads = list(self._wires)
        self._apart = balancer.needs == "gradients"
        self._gradients = learner.gradients.per_head() if self._apart else None
        self._head_of = {key: n for n, wire in self._wires.items() for key in wire.counted}
        self._losses: dict[str, float] = {}  # sums, by what they are counted for
        self.used: dict[str, float] = {}
        self._update = 0
        self._first = 0  # the head of the first pass, by number
        self._alone = 0  # updates in a row, from the first, with labels for one head at most

    def begin(self, update: int, labelled: Mapping[str, int]) -> dict[str, float]:
        """The factor on each head's loss in an update that begins.

        Args:
            update: its number.
            labelled: what is counted -> labelled samples in it.
        """
        self._losses, self._update = {}, update
        self._first = next((row for row, n in enumerate(self._heads) if labelled[n]), 0)
        weights = self.balancer.weights(update)
        if not self.balancer.learned:  # else a part of the graph, and read behind its forward pass
            self.used = dict(weights)
        return weights

    def first_pass(self, shares: Mapping[str, float]) -> dict[str, float]:
        """The factors of the first pass over the micro-batches."""
        return self._only(self._heads[self._first], shares) if self._apart else dict(shares)

    def take_in(self, outputs: Mapping[str, Any], batch: Fed) -> None:
        """Take in the losses of a micro-batch."""
        if self.balancer.needs == "nothing":
            return
        for wire in self._wires.values():
            for key, total in wire.totals(outputs, batch.labelled).items():
                self._losses[key] = self._losses.get(key, 0.0) + total

    def finish(
        self,
        batches: Sequence[Fed],
        labelled: Mapping[str, int],
        shares: Mapping[str, float],
        reseed: Callable[[], None],
    ) -> None:
        """Tell the balancer, and leave the gradients that it wants.

        Args:
            batches: the micro-batches, over which the first pass has gone.
            labelled: what is counted -> labelled samples in them.
            shares: the same -> the factor on its loss.
            reseed: lets MXNet draw anew what it has drawn in the first pass.

        Raises:
            TrainingDiverged: a loss or a gradient is not finite.
        """
        if self.balancer.learned:
            self.used = self.balancer.weights_now(
                self._update, lambda name: float(self._learner.parameters.value(name)[0])
            )
        if self.balancer.needs == "nothing":
            return
        self.balancer.observe(
            {key: total / labelled[key] for key, total in self._losses.items() if labelled[key]}
        )
        if self._gradients is None:
            return
        self._note(labelled)
        self._gradients.clear()
        self._gradients.take(self._first)
        statistics = self._learner.parameters.statistics()
        for row, name in enumerate(self._heads):
            if row == self._first or not labelled[name]:
                continue
            reseed()
            for number, batch in enumerate(batches):
                self._learner.compute(batch, number == 0, self._only(name, shares))
            self._gradients.take(row)
        self._learner.parameters.set_statistics(statistics)
        # The rows are of the mean loss, as the learner's update takes it.
        scale = self._learner.gradients.mean_factor()
        self._gradients.put(self.balancer.combine(self._gradients.rows * scale) / scale)

    def _note(self, labelled: Mapping[str, int]) -> None:
        """Say once if there was never anything to balance."""
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


def check_balanced(balancer: Balancer | None, wires: Mapping[str, Wire]) -> None:
    """Raise ConfigError if losses are to be balanced that cannot be told apart."""
    strange = [name for name, wire in wires.items() if not isinstance(wire, HeadWire)]
    if balancer is not None and strange:
        raise ConfigError(
            "Losses are balanced between heads of a Network of ours",
            received=f"routes {', '.join(strange)} of a Symbol",
            where=f"balance={type(balancer).__name__}(...)",
            fix="weigh them in the Symbol (grad_scale), or make heads of them",
        )
