"""AdamW, which MXNet 1.9.1 has as an operator and not as an optimizer."""

from __future__ import annotations

import math
from typing import Any

from densefit.backend import mx


@mx.optimizer.register
class AdamW(mx.optimizer.Optimizer):  # type: ignore[misc]
    """Adam with decoupled weight decay: `optimizer="adamw"`.

    Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, algorithm 2, with
    the schedule multiplying the decay too: w -= lr * (m / (sqrt(v) + epsilon) + wd * w), m and v
    corrected for their start, as torch.optim.AdamW computes it.

    Args:
        learning_rate: learning rate without a schedule.
        beta1: decay of the mean of gradients.
        beta2: decay of the mean of their squares.
        epsilon: added to the square root.
        settings: settings of every optimizer (wd, clip_gradient...).
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        **settings: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, **settings)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon

    def create_state(self, index: Any, weight: Any) -> tuple[Any, Any]:
        """(mean of gradients, mean of their squares), zeros."""
        return (
            mx.nd.zeros(weight.shape, weight.context, dtype=weight.dtype),
            mx.nd.zeros(weight.shape, weight.context, dtype=weight.dtype),
        )

    def update(self, index: Any, weight: Any, grad: Any, state: Any) -> None:
        """Update one parameter."""
        self._update_count(index)
        t = self._index_update_count[index]
        lr, wd = self._get_lr(index), self._get_wd(index)
        second = math.sqrt(1.0 - self.beta2**t)
        mx.nd.contrib.adamw_update(
            weight,
            grad,
            *state,
            mx.nd.full((1,), self.rescale_grad, ctx=weight.context),
            out=weight,
            lr=second / (1.0 - self.beta1**t),
            eta=lr,
            wd=wd,
            beta1=self.beta1,
            beta2=self.beta2,
            epsilon=self.epsilon * second,
            clip_gradient=-1.0 if self.clip_gradient is None else self.clip_gradient,
        )
