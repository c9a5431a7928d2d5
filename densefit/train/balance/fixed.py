"""Constant weights."""

from __future__ import annotations

from collections.abc import Mapping

from densefit.train.balance.balancer import Balancer, balancers, check_number


@balancers.register("fixed")
class Fixed(Balancer):
    """A factor for each head, chosen by hand. Absent heads change nothing for the others.

    >>> balancer = Fixed({"depth": 0.5})
    >>> balancer.begin(["depth", "mask"])
    >>> balancer.weights(0)
    {'depth': 0.5, 'mask': 1.0}

    Args:
        factors: head -> factor, 0 or more; 1 for other heads. The head's `weight` counts too.

    Raises:
        ConfigError: a factor out of range; at `begin`, an unknown head.
    """

    cost = "free"

    def __init__(self, factors: Mapping[str, float] | None = None) -> None:
        self.factors = dict(factors or {})
        for head, factor in self.factors.items():
            check_factor(head, factor, "Fixed(factors=...)")

    def _begin(self, total: int | None, updates_per_epoch: int | None) -> None:
        self._check_known(self.factors, "factors")

    def weights(self, update: int) -> dict[str, float]:
        return {head: float(self.factors.get(head, 1.0)) for head in self.heads}


def check_factor(head: str, factor: object, where: str) -> None:
    """Raise ConfigError unless a head's factor is a finite number of 0 or more."""
    check_number(head, factor, "a finite number, 0 or more", lambda value: value >= 0, where)
