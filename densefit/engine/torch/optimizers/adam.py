"""Adam and its kin: adam, adamw, adamax, nadam."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch

from densefit.engine.torch.optimizers.optimizer import (
    Optimizer,
    Rule,
    Tensor,
    Tensors,
    single,
)


class Adam(Optimizer):
    """Adam with epsilon beside the root of the uncorrected mean, and wd in the gradient.

    w -= lr * sqrt(1 - beta2**t) / (1 - beta1**t) * m / (sqrt(v) + epsilon). In torch.optim.Adam
    epsilon is beside the corrected root, so it is up to 30 times smaller at first.

    Args:
        parameters: parameters by name.
        learning_rate: learning rate.
        beta1: decay of the mean of gradients.
        beta2: decay of the mean of their squares.
        epsilon: added to the square root.
        lazy_update: whether to leave rows of `sparse` parameters without a gradient as they are.
        settings: settings of `Optimizer`.
    """

    kind = "Adam"
    slots = ("0", "1")

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        lazy_update: bool = True,
        **settings: Any,
    ) -> None:
        super().__init__(parameters, learning_rate, **settings)
        self.lazy_update = lazy_update
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon

    def rule(self, name: str, lr: float, wd: float, count: int) -> Rule:
        """See `Optimizer.rule`."""
        rate = single(lr * math.sqrt(1.0 - self.beta2**count) / (1.0 - self.beta1**count))

        betas = single(self.beta1), single(self.beta2)
        if self.clips:  # of gradients with the decay in them
            return fused_rule(
                torch._fused_adam_,
                lambda gradients, weights: self.scaled(gradients, weights, wd),
                *(rate, betas, self.epsilon, 0.0),
            )
        return fused_rule(
            torch._fused_adam_,
            lambda gradients, weights: self.scaled(gradients),
            *(rate, betas, self.epsilon, single(wd)),
        )


class AdamW(Adam):
    """Adam with decoupled decay, as torch.optim.AdamW computes it.

    w -= lr * (m / (sqrt(v) + epsilon) + wd * w), m and v corrected for their start.
    """

    kind = "AdamW"

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        **settings: Any,
    ) -> None:
        super().__init__(parameters, learning_rate, beta1, beta2, epsilon, False, **settings)

    def rule(self, name: str, lr: float, wd: float, count: int) -> Rule:
        """See `Optimizer.rule`."""
        second = math.sqrt(1.0 - self.beta2**count)
        rate = second / (1.0 - self.beta1**count)
        return fused_rule(
            torch._fused_adamw_,
            lambda gradients, weights: self.scaled(gradients),
            *(lr * rate, (single(self.beta1), single(self.beta2)), self.epsilon * second),
            wd / rate,
        )


class Adamax(Optimizer):
    """Adam with the largest gradient in place of the root; a weight without gradients stays.

    Args:
        parameters: parameters by name.
        learning_rate: learning rate.
        beta1: decay of the mean of gradients.
        beta2: decay of the largest gradient.
        settings: settings of `Optimizer`.
    """

    kind = "Adamax"
    slots = ("0", "1")

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        learning_rate: float = 0.002,
        beta1: float = 0.9,
        beta2: float = 0.999,
        **settings: Any,
    ) -> None:
        super().__init__(parameters, learning_rate, **settings)
        self.beta1, self.beta2 = beta1, beta2

    def rule(self, name: str, lr: float, wd: float, count: int) -> Rule:
        """See `Optimizer.rule`."""
        rate = lr / (1.0 - self.beta1**count)

        def rule(weights: Tensors, gradients: Tensors, means: Tensors, largest: Tensors) -> None:
            scaled = self.scaled(gradients, weights, wd)
            torch._foreach_mul_(means, self.beta1)
            torch._foreach_add_(means, scaled, alpha=1.0 - self.beta1)
            torch._foreach_mul_(largest, self.beta2)
            torch._foreach_abs_(scaled)
            torch._foreach_maximum_(largest, scaled)
            steps = list(torch._foreach_mul(means, rate))
            torch._foreach_div_(steps, largest)
            for step, most in zip(steps, largest):
                step.masked_fill_(most == 0, 0)  # MXNet's: 0 / 0
            torch._foreach_sub_(weights, steps)

        return rule


class Nadam(Adam):
    """Adam with Nesterov's momentum, whose schedule advances with each parameter, as in MXNet.

    Args:
        parameters: parameters by name.
        learning_rate: learning rate.
        beta1: decay of the mean of gradients.
        beta2: decay of the mean of their squares.
        epsilon: added to the square root.
        schedule_decay: decay of the schedule of the momentum.
        settings: settings of `Optimizer`.

    Attributes:
        m_schedule: product of the momenta so far.
    """

    kind = "Nadam"
    separate = True

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        schedule_decay: float = 0.004,
        **settings: Any,
    ) -> None:
        super().__init__(parameters, learning_rate, beta1, beta2, epsilon, False, **settings)
        self.schedule_decay, self.m_schedule = schedule_decay, 1.0

    def rule(self, name: str, lr: float, wd: float, count: int) -> Rule:
        """See `Optimizer.rule`."""
        now, later = (
            self.beta1 * (1.0 - 0.5 * 0.96 ** (number * self.schedule_decay))
            for number in (count, count + 1)
        )
        self.m_schedule *= now
        first, second = (1.0 - now) / (1.0 - self.m_schedule), later / (1 - self.m_schedule * later)
        correction = 1.0 - self.beta2**count

        def rule(weights: Tensors, gradients: Tensors, means: Tensors, squares: Tensors) -> None:
            scaled = self.scaled(gradients, weights, wd)
            averages(scaled, means, squares, self.beta1, self.beta2)
            torch._foreach_mul_(scaled, first)
            torch._foreach_add_(scaled, means, alpha=second)
            corrected = torch._foreach_div(squares, correction)
            torch._foreach_addcdiv_(weights, scaled, roots(corrected, self.epsilon), value=-lr)

        return rule


def fused_rule(
    kernel: Callable[..., None],
    scaled: Callable[[Tensors, Tensors], Tensors],
    rate: float,
    betas: tuple[float, float],
    epsilon: float,
    decay: float,
) -> Rule:
    """Make a rule that moves weights by rate * mean / (sqrt(square) + epsilon), in one pass.

    Its kernels are those of torch.optim.Adam and AdamW. They are told of so many updates that they
    do not correct means for their start: `rate` and `epsilon` hold that correction.

    Args:
        kernel: torch._fused_adam_, which adds decay * weight to the gradient, or
            torch._fused_adamw_, which multiplies weights by 1 - rate * decay.
        scaled: (gradients, weights) -> gradients that the kernel takes.
        rate: factor on the step.
        betas: decays of the means of gradients and of their squares.
        epsilon: added to the root.
        decay: weight decay.
    """
    settings = {"lr": rate, "beta1": betas[0], "beta2": betas[1], "eps": epsilon}
    settings |= {"weight_decay": decay, "amsgrad": False, "maximize": False}
    updates: Tensors = []

    def rule(weights: Tensors, gradients: Tensors, means: Tensors, squares: Tensors) -> None:
        if not updates:
            updates.append(torch.full((), math.inf, device=weights[0].device))
        taken = scaled(gradients, weights)
        kernel(weights, taken, means, squares, [], updates * len(weights), **settings)

    return rule


def moments(
    gradients: Tensors, means: Tensors, squares: Tensors, beta1: float, beta2: float
) -> None:
    """Move the means of gradients and of their squares, with factors in float32."""
    averages(gradients, means, squares, single(beta1), single(beta2))


def averages(
    gradients: Tensors, means: Tensors, squares: Tensors, beta1: float, beta2: float
) -> None:
    """Move the means of gradients and of their squares."""
    torch._foreach_mul_(means, beta1)
    torch._foreach_add_(means, gradients, alpha=1.0 - beta1)
    torch._foreach_mul_(squares, beta2)
    torch._foreach_addcmul_(squares, gradients, gradients, value=1.0 - beta2)


def roots(squares: Any, epsilon: float) -> Tensors:
    """Sqrt(squares) + epsilon, in new arrays."""
    result = list(torch._foreach_sqrt(squares))
    torch._foreach_add_(result, epsilon)
    return result
