"""Rates by the history of each weight: rmsprop, adagrad, adadelta, ftrl, ftml, groupadagrad."""

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


class RMSProp(Optimizer):
    """Gradient over the root of its mean square, with epsilon inside the root.

    Args:
        parameters: parameters by name.
        learning_rate: learning rate.
        gamma1: decay of the means.
        gamma2: momentum, if `centered`.
        epsilon: added to the mean square.
        centered: whether to subtract the square of the mean (Graves 2013).
        clip_weights: bound of the weights.
        settings: settings of `Optimizer`.
    """

    kind = "RMSProp"

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        learning_rate: float = 0.001,
        gamma1: float = 0.9,
        gamma2: float = 0.9,
        epsilon: float = 1e-8,
        centered: bool = False,
        clip_weights: float | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(parameters, learning_rate, **settings)
        self.gamma1, self.gamma2, self.epsilon = gamma1, gamma2, epsilon
        self.centered, self.clip_weights = centered, clip_weights
        self.slots = ("0", "1", "2") if centered else ("0",)

    def rule(self, name: str, lr: float, wd: float, count: int) -> Rule:
        """See `Optimizer.rule`."""
        lr, gamma, momentum = single(lr), single(self.gamma1), single(self.gamma2)
        rest = single(1 - gamma)

        def rule(weights: Tensors, gradients: Tensors, squares: Tensors, *extra: Tensors) -> None:
            scaled = self.scaled(gradients, weights, wd)
            # Term by term: squares - mean**2 cancels all but a few digits.
            news = list(torch._foreach_mul(scaled, rest if self.centered else 1.0))
            torch._foreach_mul_(news, scaled)
            if not self.centered:
                torch._foreach_mul_(news, rest)
            torch._foreach_mul_(squares, gamma)
            torch._foreach_add_(squares, news)
            variances = squares
            if self.centered:
                means, steps = extra
                torch._foreach_mul_(means, gamma)
                torch._foreach_add_(means, torch._foreach_mul(scaled, rest))
                variances = list(torch._foreach_sub(squares, torch._foreach_mul(means, means)))
            roots = torch._foreach_sqrt(torch._foreach_add(variances, single(self.epsilon)))
            if self.centered:
                torch._foreach_mul_(steps, momentum)
                torch._foreach_addcdiv_(steps, scaled, roots, value=-lr)
                torch._foreach_add_(weights, steps)
            else:
                torch._foreach_addcdiv_(weights, scaled, roots, value=-lr)
            if self.clip_weights:
                torch._foreach_clamp_min_(weights, -self.clip_weights)
                torch._foreach_clamp_max_(weights, self.clip_weights)

        return rule


class AdaGrad(Optimizer):
    """Gradient over the root of the sum of its squares; wd beside it.

    Args:
        parameters: parameters by name.
        eps: added to the sum of squares.
        settings: settings of `Optimizer`.
    """

    kind = "AdaGrad"
    slots = ("array",)

    def __init__(
        self, parameters: Mapping[str, Tensor], eps: float = 1e-7, **settings: Any
    ) -> None:
        super().__init__(parameters, **settings)
        self.eps = eps

    def rule(self, name: str, lr: float, wd: float, count: int) -> Rule:
        """See `Optimizer.rule`."""

        def rule(weights: Tensors, gradients: Tensors, sums: Tensors) -> None:
            scaled = self.scaled(gradients)
            torch._foreach_addcmul_(sums, scaled, scaled)
            torch._foreach_div_(scaled, torch._foreach_sqrt(torch._foreach_add(sums, self.eps)))
            if wd:
                torch._foreach_add_(scaled, weights, alpha=wd)
            torch._foreach_add_(weights, scaled, alpha=-lr)

        return rule


class GroupAdaGrad(AdaGrad):
    """AdaGrad with one rate per row of a matrix, e.g. an embedding; without decay.

    Args:
        parameters: parameters by name; matrices.
        eps: added to the mean square.
        settings: settings of `Optimizer`.
    """

    kind = "GroupAdaGrad"
    whole = True

    def __init__(
        self, parameters: Mapping[str, Tensor], eps: float = 1e-5, **settings: Any
    ) -> None:
        super().__init__(parameters, eps, **settings)
        for name, weight in parameters.items():
            if weight.dim() != 2:
                raise ValueError(f"GroupAdaGrad trains matrices, not {name!r}")
        if self.wd:
            raise ValueError("Weight decay is not supported for GroupAdaGrad")

    def new_state(self, slot: str, weight: Tensor) -> Tensor:
        """One number per row."""
        return weight.new_zeros(weight.shape[0], 1)

    def rule(self, name: str, lr: float, wd: float, count: int) -> Rule:
        """See `Optimizer.rule`."""

        def rule(weights: Tensors, gradients: Tensors, sums: Tensors) -> None:
            for weight, scaled, total in zip(weights, self.scaled(gradients), sums):
                total.add_((scaled * scaled).mean(1, keepdim=True))
                weight.sub_(lr * scaled / torch.sqrt(total + self.eps))

        return rule


class AdaDelta(Optimizer):
    """Gradient over its root mean square, times that of the steps; no learning rate.

    Args:
        parameters: parameters by name.
        rho: decay of both means.
        epsilon: added to both.
        settings: settings of `Optimizer`.
    """

    kind = "AdaDelta"
    slots = ("0", "1")

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        rho: float = 0.90,
        epsilon: float = 1e-5,
        **settings: Any,
    ) -> None:
        super().__init__(parameters, **settings)
        self.rho, self.epsilon = rho, epsilon

    def rule(self, name: str, lr: float, wd: float, count: int) -> Rule:
        """See `Optimizer.rule`."""
        rest = 1.0 - self.rho

        def rule(weights: Tensors, gradients: Tensors, squares: Tensors, moves: Tensors) -> None:
            scaled = self.scaled(gradients)
            torch._foreach_mul_(squares, self.rho)
            torch._foreach_addcmul_(squares, scaled, scaled, value=rest)
            steps = list(torch._foreach_sqrt(torch._foreach_add(moves, self.epsilon)))
            roots = torch._foreach_sqrt(torch._foreach_add(squares, self.epsilon))
            torch._foreach_div_(steps, roots)
            torch._foreach_mul_(steps, scaled)
            torch._foreach_mul_(moves, self.rho)
            torch._foreach_addcmul_(moves, steps, steps, value=rest)
            if wd:
                torch._foreach_add_(steps, weights, alpha=wd)
            torch._foreach_sub_(weights, steps)

        return rule


class Ftrl(Optimizer):
    """Follow the regularized leader, proximal, with an L1 penalty that gives zeros.

    Args:
        parameters: parameters by name.
        lamda1: factor of the L1 penalty.
        learning_rate: learning rate.
        beta: added to the root of the sum of squares.
        settings: settings of `Optimizer`.
    """

    kind = "Ftrl"
    slots = ("0", "1")

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        lamda1: float = 0.01,
        learning_rate: float = 0.1,
        beta: float = 1,
        **settings: Any,
    ) -> None:
        super().__init__(parameters, **settings)
        self.lamda1, self.beta, self.lr = lamda1, beta, learning_rate

    def rule(self, name: str, lr: float, wd: float, count: int) -> Rule:
        """See `Optimizer.rule`."""
        lr, wd, penalty, beta = single(lr), single(wd), single(self.lamda1), single(self.beta)

        def rule(weights: Tensors, gradients: Tensors, totals: Tensors, sums: Tensors) -> None:
            scaled = self.scaled(gradients)
            before = torch._foreach_sqrt(sums)
            torch._foreach_add_(sums, torch._foreach_mul(scaled, scaled))
            roots = list(torch._foreach_sqrt(sums))
            growth = list(torch._foreach_sub(roots, before))
            torch._foreach_mul_(growth, weights)
            torch._foreach_div_(growth, lr)
            torch._foreach_sub_(scaled, growth)
            torch._foreach_add_(totals, scaled)
            torch._foreach_add_(roots, beta)
            torch._foreach_div_(roots, lr)
            torch._foreach_add_(roots, wd)
            for weight, total, root in zip(weights, totals, roots):
                shrunk = (torch.sign(total) * penalty - total) / root
                weight.copy_(shrunk.mul_(total.abs() > penalty))

        return rule


class FTML(Optimizer):
    """Follow the moving leader.

    Args:
        parameters: parameters by name.
        beta1: decay of the leader.
        beta2: decay of the mean square.
        epsilon: added to the root.
        settings: settings of `Optimizer`.
    """

    kind = "FTML"
    slots = ("0", "1", "2")

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        beta1: float = 0.6,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        **settings: Any,
    ) -> None:
        super().__init__(parameters, **settings)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon

    def rule(self, name: str, lr: float, wd: float, count: int) -> Rule:
        """See `Optimizer.rule`."""
        beta1, beta2 = single(self.beta1), single(self.beta2)
        factor = single(single(1 - single(beta1**count)) / single(lr)) if lr else math.inf
        correction = single(1 - single(beta2**count))

        def rule(
            weights: Tensors, gradients: Tensors, rates: Tensors, squares: Tensors, totals: Tensors
        ) -> None:
            scaled = self.scaled(gradients, weights, wd)
            torch._foreach_mul_(squares, beta2)
            torch._foreach_addcmul_(squares, scaled, scaled, value=single(1 - beta2))
            news = list(torch._foreach_sqrt(torch._foreach_div(squares, correction)))
            torch._foreach_add_(news, single(self.epsilon))
            torch._foreach_mul_(news, factor)
            torch._foreach_mul_(totals, beta1)
            torch._foreach_add_(totals, scaled, alpha=single(1 - beta1))
            torch._foreach_mul_(rates, -beta1)
            torch._foreach_add_(rates, news)
            torch._foreach_mul_(rates, weights)
            torch._foreach_sub_(totals, rates)
            torch._foreach_copy_(rates, news)
            torch._foreach_copy_(weights, torch._foreach_div(torch._foreach_neg(totals), news))

        return rule
