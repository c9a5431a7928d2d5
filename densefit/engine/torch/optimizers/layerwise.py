"""Rates by the norms of each parameter and its gradient: lars, lamb, lbsgd."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch

from densefit.engine.torch.optimizers.adam import Adam, moments, roots
from densefit.engine.torch.optimizers.optimizer import Rule, Tensor, Tensors, single
from densefit.engine.torch.optimizers.sgd import SGD


class LARS(SGD):
    """SGD with rates in proportion to |w| / (|g| + wd * |w|), except for biases and norms.

    MXNet's own takes sums of squares that err in the third digit, and corrects the momentum of the
    first four parameters only.

    Args:
        parameters: parameters by name.
        momentum: factor on the previous step.
        lazy_update: no effect: gradients are dense.
        eta: factor on the ratio.
        eps: added to the denominator.
        momentum_correction: whether the momentum follows changes of the rate.
        settings: settings of `Optimizer`.

    Attributes:
        cur_lr: rate of the last update.
        last_lr: rate of the update before it.
    """

    kind = "LARS"
    decayed = ("_weight",)
    separate = whole = True

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        momentum: float = 0.0,
        lazy_update: bool = True,
        eta: float = 0.001,
        eps: float = 0,
        momentum_correction: bool = True,
        **settings: Any,
    ) -> None:
        super().__init__(parameters, momentum, False, **settings)
        self.eta, self.eps, self.momentum_correction = eta, eps, momentum_correction
        self.cur_lr: float | None = None
        self.last_lr: float | None = None

    def _rate(self) -> float:
        rate = super()._rate()
        self.last_lr = rate if self.cur_lr is None else self.cur_lr
        self.cur_lr = rate
        return rate

    def rule(self, name: str, lr: float, wd: float, count: int) -> Rule:
        """See `Optimizer.rule`."""
        momentum = self.momentum
        if self.momentum_correction and self.last_lr and self.cur_lr is not None:
            momentum *= self.cur_lr / self.last_lr
        adapts = not name.endswith(("gamma", "beta", "bias"))

        def rule(weights: Tensors, gradients: Tensors, steps: Tensors | None = None) -> None:
            for number, (weight, gradient) in enumerate(zip(weights, gradients)):
                rate: Any = lr
                if adapts:
                    size, slope = weight.norm(), gradient.norm() * abs(self._factor)
                    ratio = self.eta * size / (slope + wd * size + self.eps)
                    rate = torch.where((size > 0) & (slope > 0), ratio, 1.0) * lr
                (step,) = self.scaled([gradient])
                step = step.add_(weight, alpha=wd).mul_(-rate)
                if steps is not None:
                    step = steps[number].mul_(single(momentum)).add_(step)
                weight.add_(step)

        return rule


class LAMB(Adam):
    """Adam whose step has the norm of the weight times the rate.

    Args:
        parameters: parameters by name.
        learning_rate: learning rate.
        beta1: decay of the mean of gradients.
        beta2: decay of the mean of their squares.
        epsilon: added to the root.
        lower_bound: least norm of a weight.
        upper_bound: largest norm of a weight.
        bias_correction: whether the means are corrected for their start.
        settings: settings of `Optimizer`.
    """

    kind = "LAMB"
    whole = True

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-6,
        lower_bound: float | None = None,
        upper_bound: float | None = None,
        bias_correction: bool = True,
        **settings: Any,
    ) -> None:
        super().__init__(parameters, learning_rate, beta1, beta2, epsilon, False, **settings)
        self.lower_bound, self.upper_bound = lower_bound, upper_bound
        self.bias_correction = bias_correction

    def rule(self, name: str, lr: float, wd: float, count: int) -> Rule:
        """See `Optimizer.rule`."""
        first = second = 1.0
        if self.bias_correction:
            first, second = (
                single(1 - single(single(beta) ** count)) for beta in (self.beta1, self.beta2)
            )

        def rule(weights: Tensors, gradients: Tensors, means: Tensors, squares: Tensors) -> None:
            moments(self.scaled(gradients), means, squares, self.beta1, self.beta2)
            steps = list(torch._foreach_div(means, first))
            corrected = torch._foreach_div(squares, second)
            torch._foreach_div_(steps, roots(corrected, single(self.epsilon)))
            if wd:
                torch._foreach_add_(steps, weights, alpha=wd)
            sizes, lengths = torch._foreach_norm(weights), torch._foreach_norm(steps)
            for weight, step, size, length in zip(weights, steps, sizes, lengths):
                if self.lower_bound:
                    size = size.clamp(min=self.lower_bound)
                if self.upper_bound:
                    size = size.clamp(max=self.upper_bound)
                ratio = torch.where((size == 0) | (length == 0), 1.0, size / length)
                weight.sub_(step.mul_(ratio * lr))

        return rule


class LBSGD(SGD):
    """SGD over batches that are sums of several, with a warm-up of the rate.

    Args:
        parameters: parameters by name.
        momentum: factor on the previous step.
        warmup_strategy: growth of the rate's factor from 1 to `batch_scale`: linear, power2, sqrt;
            or lars, a factor by norms.
        warmup_epochs: epochs of the warm-up.
        batch_scale: updates whose gradients are summed.
        updates_per_epoch: updates per epoch.
        begin_epoch: epochs before the first.
        num_epochs: no effect.
        settings: settings of `Optimizer`.
    """

    kind = "LBSGD"
    separate = whole = True

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        momentum: float = 0.0,
        warmup_strategy: str = "linear",
        warmup_epochs: int = 5,
        batch_scale: int = 1,
        updates_per_epoch: int = 32,
        begin_epoch: int = 0,
        num_epochs: int = 60,
        **settings: Any,
    ) -> None:
        super().__init__(parameters, momentum, False, **settings)
        self.warmup_strategy, self.warmup_epochs = warmup_strategy, warmup_epochs
        self.batch_scale, self.updates_per_epoch = batch_scale, updates_per_epoch
        self.begin_epoch, self.num_epochs = begin_epoch, num_epochs
        self._sums: dict[str, Tensor] = {}

    def rule(self, name: str, lr: float, wd: float, count: int) -> Rule:
        """See `Optimizer.rule`."""

        def rule(weights: Tensors, gradients: Tensors, *steps: Tensors) -> None:
            number = self.begin_epoch * self.updates_per_epoch + count - self.begin_num_update
            total = self._sums.pop(name, 0) + gradients[0]
            if number % self.batch_scale:
                self._sums[name] = total
                return
            gradient = total / self.batch_scale
            factor = self._growth(number)
            if self.warmup_strategy == "lars":
                size, slope = (float((x * x).sum()) for x in (weights[0], gradient))
                factor = min(100.0, max(0.01, math.sqrt(size / (slope + wd * size + 1e-18))))
            update = super(LBSGD, self).rule(name, lr * factor, wd, count)
            update(weights, [gradient], *steps)

        return rule

    def _growth(self, number: int) -> float:
        """Factor of the warm-up at a number of batches."""
        length, most = self.warmup_epochs * self.updates_per_epoch, float(self.batch_scale)
        if number >= length:
            return most
        share = number / length
        shares = {"linear": share, "power2": share**2, "sqrt": math.sqrt(share)}
        return 1.0 + (most - 1) * shares.get(self.warmup_strategy, 0.0) if length > 1 else 1.0
