"""Published mixtures of experts, by how a head's gate weighs them."""

from __future__ import annotations

from typing import Any

from densefit.errors import ConfigError
from densefit.model.sharing.experts import Experts
from densefit.model.sharing.gates import selecting_gate, softmax_gate
from densefit.model.sharing.sharing import sharings
from densefit.numeric import is_real


@sharings.register("mmoe")
class MMoE(Experts):
    """Multi-gate mixture of experts: each head has a gate over experts that all share.

    Ma et al., KDD 2018.

    Args:
        experts: number of experts.
        behind: see `Experts`.
    """

    name = "mmoe"

    def __init__(self, experts: int = 3, behind: str | int | None = "stage2") -> None:
        super().__init__(behind, experts, 0)

    def gate(self, x: Any, name: str, experts: int) -> Any:
        """See `softmax_gate`."""
        return softmax_gate(x, name, experts)


@sharings.register("cgc")
class CGC(Experts):
    """Customized gate control: each head has a gate over shared experts and some of its own.

    Tang et al., RecSys 2020.

    Args:
        shared: number of experts that all heads read.
        specific: number of experts of each head.
        behind: see `Experts`.
    """

    name = "cgc"

    def __init__(
        self, shared: int = 1, specific: int = 1, behind: str | int | None = "stage2"
    ) -> None:
        super().__init__(behind, shared, specific)

    def gate(self, x: Any, name: str, experts: int) -> Any:
        """See `softmax_gate`."""
        return softmax_gate(x, name, experts)


@sharings.register("dselect_k")
class DSelectK(Experts):
    """Multi-gate mixture of experts whose gates learn to select a few of them.

    Hazimeh et al., NeurIPS 2021, arXiv:2106.03760, without its entropy term.

    Args:
        experts: number of experts, a power of two.
        selected: number of experts that a head selects.
        gamma: width of the smooth steps of the codes' bits.
        behind: see `Experts`.
    """

    name = "dselect_k"

    def __init__(
        self,
        experts: int = 4,
        selected: int = 2,
        gamma: float = 1.0,
        behind: str | int | None = "stage2",
    ) -> None:
        super().__init__(behind, experts, 0)
        if experts & (experts - 1) or not 1 <= selected <= experts or experts < 2:
            raise ConfigError(
                "Experts have binary codes, of which some are selected",
                expected="experts of 2, 4, 8, ..., and 1 to experts selected",
                received=f"experts={experts!r}, selected={selected!r}",
                where=self.where,
            )
        if not is_real(gamma) or gamma <= 0:
            raise ConfigError(
                "The width of a step is above 0", received=f"gamma={gamma!r}", where=self.where
            )
        self.selected, self.gamma = selected, float(gamma)

    def gate(self, x: Any, name: str, experts: int) -> Any:
        """See `selecting_gate`."""
        return selecting_gate(x, name, experts, self.selected, self.gamma)
