"""Weights learned with the network: homoscedastic uncertainty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from densefit.errors import ConfigError
from densefit.model.head_names import weight_name
from densefit.symbol import init, sym
from densefit.train.balance.balancer import Balancer, balancers, check_number

MOST = 80.0  # exp(89) is no float32
_FAR = 700.0  # exp(710) is no float
#: Kind of a loss in Kendall's terms -> factor on exp(-s) L.
KINDS = {"classification": 1.0, "regression": 0.5}
#: What keeps exp(-s) from vanishing, by method; softrelu is log(1 + exp(s)).
PENALTIES: dict[str, Callable[[Any], Any]] = {
    "uncertainty": lambda s: s / 2,
    "revised": lambda s: sym.Activation(s, act_type="softrelu"),
    "imtl_l": lambda s: s,
}


@balancers.register("uncertainty")
class Uncertainty(Balancer):
    """Weights exp(-s) on the heads' losses, where each s is a trained parameter.

    Kendall, Gal and Cipolla, Multi-Task Learning Using Uncertainty to Weigh Losses, CVPR 2018,
    arXiv:1705.07115. With s the log of the head's variance the loss is `exp(-s) L + s / 2` for
    classification (cross-entropy) and `exp(-s) L / 2 + s / 2` for regression (squared error). For
    a constant loss the optimum is s = log(2 L) and s = log(L). With `revised` the last term is
    `log(1 + exp(s))` (Liebel and Koerner, Auxiliary Tasks in Multi-task Learning, 2018,
    arXiv:1805.06334, equation 4), which is never negative, so that the loss is not either.

    The weights are in the graph (`weighted_loss`), so `weights` returns 1. The s of an absent head
    is constant, if `weighted_loss` knows which samples are labelled.

    Args:
        kinds: head -> "classification" or "regression"; "classification" for other heads.
        initial: initial value of each s; exp(-s) must be a float32.
        revised: whether the last term is that of Liebel and Koerner.

    Raises:
        ConfigError: an unknown kind; at `begin`, an unknown head.
    """

    learned = True
    cost = "one parameter a head; no further pass"
    penalty = "uncertainty"  # an attribute of the class: earlier checkpoints resume

    def __init__(
        self,
        kinds: Mapping[str, str] | None = None,
        initial: float = 0.0,
        revised: bool = False,
    ) -> None:
        if revised:
            self.penalty = "revised"
        self.kinds = dict(kinds or {})
        for head, kind in self.kinds.items():
            check_kind(kind, f"Uncertainty(kinds=...), head {head}")
        fits = f"-{MOST:g} to {MOST:g}"
        check_number("initial", initial, fits, lambda s: abs(s) <= MOST, "Uncertainty")
        self.initial = initial

    def _begin(self, total: int | None, updates_per_epoch: int | None) -> None:
        self._check_known(self.kinds, "kinds")

    def weights(self, update: int) -> dict[str, float]:
        return dict.fromkeys(self.heads, 1.0)

    def log_variance(self, head: str) -> Any:
        """Return the variable of a head's s, of shape (1,), named `<head>_log_variance`."""
        start = init.Constant(self.initial)
        return sym.Variable(self.variable(head), shape=(1,), init=start)

    def variable(self, head: str) -> str:
        """Return the name of a head's s."""
        return weight_name(head)

    def weights_now(self, update: int, value_of: Callable[[str], float]) -> dict[str, float]:
        return {
            head: KINDS[self.kinds.get(head, "classification")]
            * float(np.exp(-np.float64(value_of(self.variable(head))).clip(-_FAR, _FAR)))
            for head in self.heads
        }

    def weighted(self, head: str, loss: Any, labelled: Any = None) -> Any:
        """Return the `weighted_loss` of a head with its kind and a new variable for its s."""
        kind = self.kinds.get(head, "classification")
        return weighted_loss(loss, self.log_variance(head), kind, labelled, self.penalty)


def weighted_loss(
    loss: Any,
    log_variance: Any,
    kind: str = "classification",
    labelled: Any = None,
    penalty: str = "uncertainty",
) -> Any:
    """Weigh a loss per sample, so that the mean over samples is the weighted mean loss.

    A head with several terms passes their sum: it has one s.

    Args:
        loss: Symbol (B,), a head's loss per sample.
        log_variance: Symbol (1,), s.
        kind: "classification" or "regression".
        labelled: Symbol (B,), 1 for samples with the head's labels and 0 for others; None if all
            have labels. A sample without labels has the loss 0, and would lower s for ever.
        penalty: one of `PENALTIES`.

    Returns:
        Symbol (B,).

    Raises:
        ConfigError: an unknown kind.
    """
    check_kind(kind, "weighted_loss")
    weighted = sym.broadcast_mul(KINDS[kind] * loss, sym.exp(-log_variance))
    whole = sym.broadcast_add(weighted, PENALTIES[penalty](log_variance))
    return whole if labelled is None else whole * labelled


def check_kind(kind: str, where: str) -> None:
    """Raise ConfigError for an unknown kind of loss."""
    if kind not in KINDS:
        raise ConfigError(
            "Unknown kind of loss", expected=" or ".join(KINDS), received=repr(kind), where=where
        )
