"""IMTL-L: learned scales that make the heads' losses equal."""

from __future__ import annotations

from densefit.train.balance.balancer import balancers
from densefit.train.balance.uncertainty import Uncertainty


@balancers.register("imtl_l")
class IMTLL(Uncertainty):
    """Weights exp(-s) on the heads' losses, with the loss `exp(-s) L + s` for each head.

    Liu et al., Towards Impartial Multi-Task Learning, ICLR 2021, section 3.2, whose s has the other
    sign. For a constant loss the optimum is s = log(L), where every weighted loss is 1. It is
    `uncertainty` with another penalty, also in its treatment of an absent head.

    Args:
        initial: initial value of each s; exp(-s) must be a float32.
    """

    cost = "one parameter a head; no further pass"
    penalty = "imtl_l"

    def __init__(self, initial: float = 0.0) -> None:
        super().__init__(initial=initial)
