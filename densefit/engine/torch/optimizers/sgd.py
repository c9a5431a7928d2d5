"""Optimizers that follow the gradient: sgd, nag, signum, sgld, dcasgd."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch

from densefit.engine.torch.optimizers.optimizer import (
    Optimizer,
    Rule,
    Tensor,
    Tensors,
    single,
)


class SGD(Optimizer):
    """SGD whose momentum holds the rate: m = momentum * m - lr * (g + wd * w); w += m.

    After a change of the rate the earlier gradients keep theirs; torch.optim.SGD applies the new
    one to all.

    Args:
        parameters: parameters by name.
        momentum: factor on the previous step.
        lazy_update: whether to leave rows of `sparse` parameters without a gradient as they are.
        settings: settings of `Optimizer`.
    """

    kind = "SGD"

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        momentum: float = 0.0,
        lazy_update: bool = True,
        **settings: Any,
    ) -> None:
        super().__init__(parameters, **settings)
        self.lazy_update = lazy_update
        self.momentum = momentum
        self.slots = ("array",) if momentum else ()

    def rule(self, name: str, lr: float, wd: float, count: int) -> Rule:
        """See `Optimizer.rule`."""
        lr, momentum = single(lr), single(self.momentum)
        decay = single(lr * single(wd))

        def rule(weights: Tensors, gradients: Tensors, steps: Tensors | None = None) -> None:
            if self.clips:
                gradients, factor = self.scaled(gradients), lr
            else:
                factor = single(lr * self._factor)
            if steps is None:
                steps = list(torch._foreach_mul(gradients, -factor))
            else:
                torch._foreach_mul_(steps, momentum)
                torch._foreach_add_(steps, gradients, alpha=-factor)
            if decay:
                torch._foreach_add_(steps, weights, alpha=-decay)
            torch._foreach_add_(weights, steps)

        return rule


class NAG(SGD):
    """Nesterov's momentum: as SGD, but w += (1 + momentum) * m - momentum * previous m."""

    kind = "NAG"

    def __init__(
        self, parameters: Mapping[str, Tensor], momentum: float = 0.0, **settings: Any
    ) -> None:
        super().__init__(parameters, momentum, lazy_update=False, **settings)

    def rule(self, name: str, lr: float, wd: float, count: int) -> Rule:
        """See `Optimizer.rule`."""
        if not self.momentum:
            return super().rule(name, lr, wd, count)
        lr, wd, momentum = single(lr), single(wd), single(self.momentum)

        def rule(weights: Tensors, gradients: Tensors, steps: Tensors) -> None:
            scaled = self.scaled(gradients)
            torch._foreach_mul_(steps, momentum)
            total = scaled
            if wd:
                total = list(torch._foreach_add(scaled, weights, alpha=wd))
            torch._foreach_sub_(weights, steps)
            moved = torch._foreach_add(steps, total, alpha=-lr)
            torch._foreach_add_(weights, moved, alpha=single(momentum + 1))
            if wd:  # of the new weight: MXNet's operator has written it before
                torch._foreach_add_(scaled, weights, alpha=wd)
            torch._foreach_add_(steps, scaled, alpha=-lr)

        return rule


class Signum(Optimizer):
    """Steps of lr by the sign of the mean of gradients; of the gradient without momentum.

    Args:
        parameters: parameters by name.
        learning_rate: length of a step in each direction.
        momentum: decay of the mean; 0: decay by wd applies to the weight.
        wd_lh: decay of the weight, beside the sign.
        settings: settings of `Optimizer`.
    """

    kind = "Signum"

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        learning_rate: float = 0.01,
        momentum: float = 0.9,
        wd_lh: float = 0.0,
        **settings: Any,
    ) -> None:
        super().__init__(parameters, learning_rate, **settings)
        self.momentum, self.wd_lh = momentum, wd_lh
        self.slots = ("array",) if momentum else ()

    def rule(self, name: str, lr: float, wd: float, count: int) -> Rule:
        """See `Optimizer.rule`."""
        lr, wd, momentum = single(lr), single(wd), single(self.momentum)
        decay = single(1 - single(lr * single(self.wd_lh if momentum else wd)))

        def rule(weights: Tensors, gradients: Tensors, means: Tensors | None = None) -> None:
            if means is None:
                signs = torch._foreach_sign(torch._foreach_mul(gradients, -1.0))
            else:
                rest = single(1 - momentum)
                torch._foreach_mul_(means, momentum)
                # Products are rounded before they are added, as in MXNet, or a sign may differ.
                if wd:
                    torch._foreach_sub_(means, torch._foreach_mul(weights, single(rest * wd)))
                factor = rest if self.clips else single(rest * self._factor)
                scaled = self.scaled(gradients) if self.clips else gradients
                torch._foreach_sub_(means, torch._foreach_mul(scaled, factor))
                signs = torch._foreach_sign(means)
            if decay != 1:
                torch._foreach_mul_(weights, decay)
            torch._foreach_add_(weights, signs, alpha=lr)

        return rule


class SGLD(Optimizer):
    """Langevin dynamics: a step of lr / 2, and normal noise of variance lr."""

    kind = "SGLD"
    draws_at_random = True

    def rule(self, name: str, lr: float, wd: float, count: int) -> Rule:
        """See `Optimizer.rule`."""

        def rule(weights: Tensors, gradients: Tensors) -> None:
            scaled = self.scaled(gradients)
            if wd:
                torch._foreach_add_(scaled, weights, alpha=wd)
            torch._foreach_add_(weights, scaled, alpha=-lr / 2)
            noise = [torch.randn_like(weight) for weight in weights]
            torch._foreach_add_(weights, noise, alpha=math.sqrt(lr))

        return rule


class DCASGD(Optimizer):
    """SGD with compensation of delays: g + lamda * g**2 * (weight - previous weight).

    Args:
        parameters: parameters by name.
        momentum: factor on the previous step. MXNet's own fails with any but 0.
        lamda: factor of the compensation.
        settings: settings of `Optimizer`.
    """

    kind = "DCASGD"

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        momentum: float = 0.0,
        lamda: float = 0.04,
        **settings: Any,
    ) -> None:
        super().__init__(parameters, **settings)
        self.momentum, self.lamda = momentum, lamda
        self.slots = ("0", "1") if momentum else ("0.none", "1")

    def new_state(self, slot: str, weight: Tensor) -> Tensor:
        """The previous weight is the weight."""
        if slot == "0.none":
            return weight.new_zeros(0)
        return weight.clone() if slot == "1" else torch.zeros_like(weight)

    def rule(self, name: str, lr: float, wd: float, count: int) -> Rule:
        """See `Optimizer.rule`."""

        def rule(weights: Tensors, gradients: Tensors, steps: Tensors, previous: Tensors) -> None:
            scaled = self.scaled(gradients)
            delays = torch._foreach_sub(weights, previous)
            torch._foreach_copy_(previous, weights)
            total = list(torch._foreach_mul(torch._foreach_mul(scaled, self.lamda), scaled))
            torch._foreach_mul_(total, delays)
            torch._foreach_add_(scaled, weights, alpha=wd)
            torch._foreach_add_(total, scaled)
            if self.momentum:
                torch._foreach_mul_(steps, self.momentum)
                torch._foreach_add_(steps, total, alpha=-lr)
                torch._foreach_add_(weights, steps)
            else:
                torch._foreach_add_(weights, total, alpha=-lr)

        return rule
