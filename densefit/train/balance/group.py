"""Balance some of the heads, and leave the others their plain losses and gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from densefit.errors import ConfigError
from densefit.train.balance.balancer import Balancer, head_of
from densefit.train.balance.gradients.balancer import GradientBalancer
from densefit.train.balance.gradients.gram import weighted_sum


class HeadGroup(Balancer):
    """A balancer of losses for some of the heads; each other head has a factor of 1.

    The balancer sees these heads alone: their factors are those of a training without the others,
    and equal sharing is a factor of 1 for all. Make it by `group`.

    Args:
        balancer: the balancer.
        members: names of its heads.

    Raises:
        ConfigError: at `begin`, a name of no head, or a single head for a balancer that compares.
    """

    def __init__(self, balancer: Balancer, members: Sequence[str]) -> None:
        self.balancer, self.members = balancer, tuple(members)
        for name in ("needs", "learned", "needs_losses_after", "cost"):
            setattr(self, name, getattr(balancer, name))

    def begin(
        self, heads: Sequence[str], total: int | None = None, updates_per_epoch: int | None = None
    ) -> None:
        super().begin(heads, total, updates_per_epoch)
        self._check_known(self.members, f"balance of {list(self.members)}")
        self.balancer.begin([h for h in heads if h in self.members], total, updates_per_epoch)

    def weights(self, update: int) -> dict[str, float]:
        return {**dict.fromkeys(self.heads, 1.0), **self.balancer.weights(update)}

    def weights_now(self, update: int, value_of: Callable[[str], float]) -> dict[str, float]:
        weights = self.balancer.weights_now(update, value_of)
        return {**dict.fromkeys(self.heads, 1.0), **weights}

    def weighted(self, head: str, loss: Any, labelled: Any) -> Any:
        is_member = head in self.members
        return self.balancer.weighted(head, loss, labelled) if is_member else loss * labelled

    def observe_after(self, losses: Mapping[str, float]) -> None:
        if members := self._of_members(losses):
            self.balancer.observe_after(members)

    def end_epoch(self) -> None:
        self.balancer.end_epoch()

    def state_dict(self) -> dict[str, Any]:
        return self.balancer.state_dict()

    def state_arrays(self) -> dict[str, np.ndarray]:
        return self.balancer.state_arrays()

    def load_state_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.balancer.load_state_arrays(arrays)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.balancer.load_state_dict(state)

    def _observe(self, losses: dict[str, float]) -> None:
        if members := self._of_members(losses):
            self.balancer.observe(members)

    def _of_members(self, losses: Mapping[str, float]) -> dict[str, float]:
        return {name: loss for name, loss in losses.items() if head_of(name) in self.members}


class GradientGroup(HeadGroup, GradientBalancer):
    """A balancer of gradients for some of the heads; the others' plain gradients are added.

    Args:
        balancer: the balancer.
        members: names of its heads.
    """

    balancer: GradientBalancer

    def __init__(self, balancer: GradientBalancer, members: Sequence[str]) -> None:
        HeadGroup.__init__(self, balancer, members)
        for name in ("at", "every", "accumulated", "compares_numbers", "is_independent"):
            setattr(self, name, getattr(balancer, name))

    def begin(
        self, heads: Sequence[str], total: int | None = None, updates_per_epoch: int | None = None
    ) -> None:
        HeadGroup.begin(self, heads, total, updates_per_epoch)
        self._rows = np.array([head in self.members for head in self.heads])

    @property
    def reuses(self) -> bool:
        return self.balancer.reuses

    def compares(self, update: int) -> bool:
        return self.balancer.compares(update)

    def weights(self, update: int) -> dict[str, float]:
        return HeadGroup.weights(self, update)

    def last_factors(self, present: Sequence[str]) -> np.ndarray:
        factors = np.array([float(head in present) for head in self.heads])
        members = [head for head in present if head in self.members]
        factors[self._rows] = self.balancer.last_factors(members)
        return factors

    def factors(self, gram: np.ndarray) -> np.ndarray:
        self._check_finite(gram)
        factors = (gram.diagonal() > 0).astype(np.float64)
        if factors[self._rows].any():  # else no member has labels: a plain update
            factors[self._rows] = self.balancer.factors(gram[np.ix_(self._rows, self._rows)])
        return factors

    def combine(self, gradients: np.ndarray) -> np.ndarray:
        gradients = self._checked(gradients)
        plain, members = gradients[~self._rows], gradients[self._rows]
        balanced = self.balancer.combine(members) if members.any() else members[0]
        rows = np.concatenate([balanced[None], plain])
        return weighted_sum(np.ones(len(rows)), rows)

    def observe_parts(self, first: np.ndarray, rest: np.ndarray) -> None:
        self.balancer.observe_parts(first[self._rows], rest[self._rows])

    def state_dict(self) -> dict[str, Any]:
        return self.balancer.state_dict()

    def _factors(self, gram: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        return np.ones(len(heads))  # `factors` asks the balancer


def group(balancer: Balancer, heads: Sequence[str]) -> Balancer:
    """Balance some of the heads; each other head has its plain loss and gradient.

    >>> from densefit.train.balance import CAGrad
    >>> group(CAGrad(), ["depth", "normals"]).members
    ('depth', 'normals')

    Args:
        balancer: any balancer.
        heads: names of the heads that it balances.

    Raises:
        ConfigError: no list of different names, fewer than two heads for a balancer of gradients,
            or no balancer; when a training begins, a name of no head.
    """
    is_list = isinstance(heads, (list, tuple)) and all(isinstance(name, str) for name in heads)
    least = 2 if isinstance(balancer, GradientBalancer) else 1
    if not isinstance(balancer, Balancer) or isinstance(balancer, HeadGroup):
        raise ConfigError(
            "A group of heads has one balancer",
            expected="a balancer, such as df.balance.CAGrad()",
            received=repr(balancer),
            where="balance",
        )
    if not is_list or len(set(heads)) < max(len(heads), least):
        raise ConfigError(
            f"{type(balancer).__name__} balances some heads of different names",
            expected=f"a list of {least} or more",
            received=repr(heads),
            where="balance, heads",
            fix="leave `heads` out to balance all of them",
        )
    if isinstance(balancer, GradientBalancer):
        return GradientGroup(balancer, heads)
    return HeadGroup(balancer, heads)
