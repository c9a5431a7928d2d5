"""Base of the optimizers: rates, update counts, and the parameters that an update moves."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

import numpy as np
import torch

from densefit.engine.torch.optimizers.pieces import pieces
from densefit.errors import ConfigError

Tensor = torch.Tensor
Tensors: TypeAlias = list[Tensor]
#: (weights, gradients, *states) -> None; changes weights and states in place.
Rule: TypeAlias = Callable[..., None]

_TINY = float(np.finfo(np.float32).tiny)  # the least factor on a gradient that MXNet accepts


def single(number: float) -> float:
    """Round to float32, as operators of MXNet round their settings.

    1 - beta2 for 0.999 is 0.001000047 there: 5e-5 more than in double precision. What float32
    cannot hold is infinite, as there.
    """
    with np.errstate(over="ignore"):
        return float(np.float32(number))


class Optimizer(torch.optim.Optimizer):
    """Update parameters with MXNet's arithmetic.

    Args:
        parameters: trained parameters by name, in the order of the symbol's arguments.
        learning_rate: learning rate; None: the scheduler's, or 0.01.
        wd: weight decay.
        clip_gradient: bound of each entry of the rescaled gradient; None or negative for none.
        rescale_grad: factor on the gradient in `step` without another.
        lr_scheduler: (number of the update) -> learning rate.
        begin_num_update: updates before the first one.
        multi_precision: no effect: parameters are float32.

    Attributes:
        lr: learning rate without a scheduler.
        lr_mult: factors on the rate by name.
        wd_mult: factors on the decay by name.
        num_update: most updates of a parameter.
        counts: updates of each parameter by name.
        sparse: names of parameters of which an update changes only rows with a gradient, if the
            optimizer has `lazy_update`; those of an Embedding with `sparse_grad`.
        source: the user's optimizer that this one was made from; its `lr` is followed.
        draws_at_random: whether updates draw random numbers.
    """

    kind: ClassVar[str] = "Optimizer"  # MXNet's name of the class
    slots: tuple[str, ...] = ()  # path of each state, as a checkpoint names it
    decayed: ClassVar[tuple[str, ...]] = (
        "_weight",
        "_gamma",
    )  # endings of names that wd applies to
    separate: ClassVar[bool] = False  # whether each parameter has its own rule
    whole: ClassVar[bool] = False  # whether a rule needs all entries of a parameter
    draws_at_random: ClassVar[bool] = False
    lazy_update: bool = False
    sparse: frozenset[str] = frozenset()
    source: Any = None

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        learning_rate: float | None = None,
        wd: float = 0.0,
        clip_gradient: float | None = None,
        rescale_grad: float = 1.0,
        lr_scheduler: Any = None,
        begin_num_update: int = 0,
        multi_precision: bool = False,
    ) -> None:
        super().__init__(list(parameters.values()), {})
        self.parameters = dict(parameters)
        if lr_scheduler is not None and learning_rate is not None:
            lr_scheduler.base_lr = learning_rate
        if lr_scheduler is None and learning_rate is None:
            learning_rate = 0.01
        self.lr, self.lr_scheduler, self.wd = learning_rate, lr_scheduler, wd
        self.clip_gradient, self.rescale_grad = clip_gradient, rescale_grad
        self.begin_num_update = self.num_update = begin_num_update
        self.counts: dict[str, int] = {}
        self.lr_mult: dict[str, float] = {}
        self.wd_mult = {n: 0.0 for n in parameters if not n.endswith(self.decayed)}
        self._factor = rescale_grad

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters, without the decorator that imports PyTorch's compiler."""
        inspect.unwrap(super().add_param_group)(self, param_group)

    @property
    def learning_rate(self) -> float:
        """Learning rate in force."""
        rate = self.lr if self.lr_scheduler is None else self.lr_scheduler(self.num_update)
        return float(rate or 0.0)

    def rule(self, name: str, lr: float, wd: float, count: int) -> Rule:
        """Make what updates parameters.

        Args:
            name: the first of the parameters.
            lr: learning rate.
            wd: weight decay.
            count: number of the update, from 1.
        """
        raise NotImplementedError

    def new_state(self, slot: str, weight: Tensor) -> Tensor:
        """Make a state before the first update of a parameter."""
        return torch.zeros_like(weight)

    @torch.no_grad()
    def step(  # type: ignore[override]
        self,
        rescale_grad: float | None = None,
        lr: float | None = None,
        gradients: Mapping[str, Tensor | None] | None = None,
        excluded: Collection[str] = (),
        absent: bool | None = None,
    ) -> None:
        """Update the parameters that have a gradient.

        Args:
            rescale_grad: factor on the gradients; None for `rescale_grad` of the optimizer.
            lr: learning rate without a scheduler from now on; None: unchanged.
            gradients: gradients by name; None: `grad` of each parameter. They are not changed.
            excluded: names of parameters that are neither changed nor counted.
            absent: whether losses are absent; the update then counts for schedulers even if it
                excludes all parameters. None: whether any parameter is excluded.

        Raises:
            ConfigError: the learning rate is not finite.
        """
        if self.source is not None and self.source.lr_scheduler is None:
            self.lr = self.source.lr
        if lr is not None:
            self.lr = lr
        factor = self.rescale_grad if rescale_grad is None else rescale_grad
        self._factor = single(factor if abs(factor) >= _TINY else math.copysign(_TINY, factor))
        if gradients is None:
            gradients = {name: weight.grad for name, weight in self.parameters.items()}
        names = [
            name
            for name in self.parameters
            if name not in excluded and gradients.get(name) is not None
        ]
        before = max(self.counts.values(), default=0)
        is_behind = self.num_update > max(before, self.begin_num_update)
        if is_behind or (bool(excluded) if absent is None else absent):
            self.num_update += 1
        self._count(names)
        rate = self._rate()
        groups: dict[Any, list[str]] = {}
        for position, name in enumerate(names):
            mults = self.lr_mult.get(name, 1.0), self.wd_mult.get(name, 1.0)
            alone = position if self.separate else 0
            is_lazy = self.lazy_update and name in self.sparse
            groups.setdefault((*mults, self.counts[name], alone, is_lazy), []).append(name)
        for (lr_mult, wd_mult, count, _, is_lazy), members in groups.items():
            rule = self.rule(members[0], rate * lr_mult, self.wd * wd_mult, count)
            columns: Any = [
                [self.parameters[name] for name in members],
                [gradients[name] for name in members],
                *zip(*(self._states(name) for name in members)),
            ]
            if is_lazy:
                for row in zip(*columns):
                    _update_rows(rule, *row)
                continue
            for piece in pieces(columns, self.whole):
                rule(*piece)

    def _count(self, names: Sequence[str]) -> None:
        for name in names:
            self.counts[name] = self.counts.get(name, self.begin_num_update) + 1
            self.num_update = max(self.num_update, self.counts[name])

    def _rate(self) -> float:
        rate = self.learning_rate
        if not math.isfinite(rate):
            raise ConfigError(
                "The learning rate is not a finite number",
                received=f"{rate}, of the update {self.num_update}",
                where=f"optimizer {self.kind}",
                fix="check the schedule, or the optimizer's lr_scheduler",
            )
        return rate

    def _states(self, name: str) -> list[Tensor]:
        weight = self.parameters[name]
        state = self.state[weight]
        for slot in self.slots:
            if slot not in state:
                state[slot] = self.new_state(slot, weight)
        return [state[slot] for slot in self.slots]

    def scaled(
        self, gradients: Tensors, weights: Tensors | None = None, wd: float = 0.0
    ) -> Tensors:
        """rescale_grad * gradient + wd * weight, clipped, in new arrays."""
        scaled = list(torch._foreach_mul(gradients, self._factor))
        if weights is not None and wd:
            torch._foreach_add_(scaled, weights, alpha=single(wd))
        if self.clips:
            bound = single(self.clip_gradient or 0.0)
            torch._foreach_clamp_min_(scaled, -bound)
            torch._foreach_clamp_max_(scaled, bound)
        return scaled

    @property
    def clips(self) -> bool:
        """Whether gradients are clipped."""
        return self.clip_gradient is not None and self.clip_gradient > 0


def _update_rows(rule: Rule, weight: Tensor, gradient: Tensor, *states: Tensor) -> None:
    """Update the rows of a parameter that have a gradient."""
    (rows,) = torch.nonzero(gradient.flatten(1).any(1), as_tuple=True)
    parts = [tensor[rows] for tensor in (weight, gradient, *states)]
    rule(*([part] for part in parts))
    for tensor, part in zip((weight, *states), (parts[0], *parts[2:])):
        tensor[rows] = part
