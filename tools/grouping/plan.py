"""Group heads into networks by what they do for each other, under a budget of multiply-adds.

With plain descent, a head's gain in a network is the mean of what the other heads' steps do for it
(Fifty et al., NeurIPS 2021, arXiv:2109.04617, section 3.2); alone it is 0. Adam and its kin make
every step about as long, whatever the gradient's length: what one head takes of it, another one
lacks. A head's gain is then the cosine between its gradient and that of its network, less 1: how
much of the step is along it. Of all groupings the one with the largest sum of gains is taken:
Standley et al., ICML 2020, arXiv:1905.07553, search so, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from densefit.errors import ConfigError

MOST = 8  # heads: 4,140 groupings
Groups = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Plan:
    """A grouping of heads into networks.

    Attributes:
        groups: heads of each network.
        gains: head -> predicted gain over the head alone, as a share of its own progress.
        cost: multiply-adds of all networks for an image.
    """

    groups: Groups
    gains: Mapping[str, float]
    cost: int

    @property
    def total(self) -> float:
        """Sum of the gains."""
        return math.fsum(self.gains.values())

    def __str__(self) -> str:
        return " | ".join(" + ".join(group) for group in self.groups)


def plans(
    heads: Sequence[str],
    transfer: Mapping[tuple[str, str], float],
    trunk: int,
    costs: Mapping[str, int],
    budget: float = math.inf,
    squares: Mapping[str, float] | None = None,
) -> list[Plan]:
    """All groupings within a budget, the best first; of equal ones the cheaper.

    Args:
        heads: up to 8.
        transfer: (head, other head) -> what a step for the first does for the second.
        trunk: multiply-adds of the backbone.
        costs: head -> its multiply-adds.
        budget: multiply-adds of all networks together, at most.
        squares: head -> mean square of its gradient, for an optimizer whose steps are as long
            whatever the gradient; None for plain descent.

    Raises:
        ConfigError: too many heads, a pair that was not measured, or a budget below one network.
    """
    if len(heads) > MOST:
        raise ConfigError(
            "Groupings are searched for few heads", expected=f"{MOST} at most", received=len(heads)
        )
    lacking = [f"{a}/{b}" for a in heads for b in heads if a != b and (a, b) not in transfer]
    if lacking:
        raise ConfigError(
            "What some heads do for others was not measured",
            expected="updates in which both heads of each pair have labels",
            received=f"none for {', '.join(lacking[:6])}",
            fix="a longer training, or smaller `every` of the balancer `observed`",
        )
    fixed = sum(costs[head] for head in heads)
    result = []
    for groups in partitions(tuple(heads)):
        cost = fixed + trunk * len(groups)
        if cost <= budget:
            gains = {
                head: _mean_transfer(head, group, transfer)
                if squares is None
                else _share_of_step(head, group, transfer, squares)
                for group in groups
                for head in group
            }
            result.append(Plan(groups, {head: gains[head] for head in heads}, cost))
    if not result:
        raise ConfigError(
            "The budget is less than one network of all heads",
            expected=f"{fixed + trunk:,} multiply-adds or more",
            received=f"{budget:,.0f}",
        )
    return sorted(result, key=lambda plan: (-plan.total, plan.cost))


def partitions(heads: tuple[str, ...]) -> Iterator[Groups]:
    """Yield all ways to divide heads into groups.

    >>> list(partitions(("a", "b")))
    [(('a', 'b'),), (('a',), ('b',))]
    """
    if not heads:
        yield ()
        return
    first, *rest = heads
    for smaller in partitions(tuple(rest)):
        for number, group in enumerate(smaller):
            yield (*smaller[:number], (first, *group), *smaller[number + 1 :])
        yield ((first,), *smaller)


def _mean_transfer(
    head: str, group: Sequence[str], transfer: Mapping[tuple[str, str], float]
) -> float:
    helping = [transfer[partner, head] for partner in group if partner != head]
    return math.fsum(helping) / len(helping) if helping else 0.0


def _share_of_step(
    head: str,
    group: Sequence[str],
    transfer: Mapping[tuple[str, str], float],
    squares: Mapping[str, float],
) -> float:
    """The cosine between a head's gradient and the sum of the group's, less 1."""
    if len(group) == 1 or squares[head] == 0:
        return 0.0

    def product(first: str, second: str) -> float:
        if first == second:
            return squares[first]
        return transfer[first, second] * squares[second]

    whole = math.fsum(product(a, b) for a in group for b in group)
    if whole <= 0:  # they cancel
        return -1.0
    along = math.fsum(product(partner, head) for partner in group)
    return along / math.sqrt(whole * squares[head]) - 1
