"""Batch normalization with MXNet's statistics: the biased variance, and a gamma that may be 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator


class _SumOverRanks(torch.autograd.Function):
    """Sum over all ranks; so is its gradient, since every rank's loss reads the sum."""

    @staticmethod
    def forward(ctx: Any, x: Any, reduce: Callable[[Any], Any]) -> Any:
        ctx.reduce = reduce
        return reduce(x)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return ctx.reduce(grad.contiguous()), None


_sum_over_ranks: Any = _SumOverRanks.apply


@operator("BatchNorm", "BatchNorm_v1", "_contrib_SyncBatchNorm", "_contrib_BatchNormWithReLU")
def batch_norm(attrs: Attributes) -> Compute:
    """Normalize channels by the batch in training, by the moving statistics otherwise.

    `fix_gamma` treats gamma as 1: it has no gradient, and a pass in training sets it to 1, as in
    MXNet, for weight decay would shrink it. The new moving statistics are entered in
    `Run.statistics`. SyncBatchNorm uses the batch of all ranks. Further outputs are the mean and
    the inverse deviation.
    """
    node = attrs.node
    epsilon, momentum = attrs.number("eps", 1e-3), attrs.number("momentum", 0.9)
    fixed, frozen = attrs.flag("fix_gamma", True), attrs.flag("use_global_stats")
    axis, with_relu = attrs.whole("axis", 1), "ReLU" in node.op
    all_outputs, synchronized = attrs.flag("output_mean_var"), "Sync" in node.op
    names = [source.node.name for source in node.inputs[3:5]]

    def compute(run: Any, x: Any, gamma: Any, beta: Any, mean: Any, variance: Any) -> Any:
        weight = None if fixed else gamma
        if fixed and run.training:
            gamma.data.fill_(1.0)
        moved = x if axis % x.ndim == 1 else x.movedim(axis, 1)
        if run.training and not frozen:
            if run.reduce is not None and (synchronized or run.sync_batchnorm):
                result, batch = _over_ranks(moved, weight, beta, epsilon, run.reduce)
            else:
                result, batch = _over_batch(moved, weight, beta, epsilon)
            for name, old, new in zip(names, (mean, variance), batch):
                run.move(name, old.detach(), new, momentum)
            mean, variance = batch
        else:
            result = F.batch_norm(
                moved, mean.detach(), variance.detach(), weight, beta, False, 0.0, epsilon
            )
        result = result if moved is x else result.movedim(1, axis)
        result = torch.relu(result) if with_relu else result
        return (result, mean, torch.rsqrt(variance + epsilon)) if all_outputs else result

    return compute


def _over_batch(x: Any, weight: Any, beta: Any, epsilon: float) -> tuple[Any, tuple[Any, Any]]:
    """(normalized, (mean, biased variance) without gradient) by the batch of this rank."""
    result, mean, inverse = torch.native_batch_norm(x, weight, beta, None, None, True, 0.0, epsilon)
    inverse = inverse.detach()
    return result, (mean.detach(), (1 / (inverse * inverse) - epsilon).clamp_min(0))


def _over_ranks(
    x: Any, weight: Any, beta: Any, epsilon: float, reduce: Callable[[Any], Any]
) -> tuple[Any, tuple[Any, Any]]:
    """The same by the batch of all ranks: one sum of sums, squares and count."""
    axes = [n for n in range(x.ndim) if n != 1]
    count = x.new_full((1,), x.numel() // x.shape[1])
    sums = torch.cat([x.sum(axes), count])
    total = _sum_over_ranks(sums, reduce)
    mean = total[:-1] / total[-1]
    shape = [-1 if n == 1 else 1 for n in range(x.ndim)]
    centred = x - mean.reshape(shape)  # a second sum, for no digits are lost to large means
    variance = _sum_over_ranks((centred * centred).sum(axes), reduce) / total[-1]
    scale = torch.rsqrt(variance + epsilon)
    scale = scale if weight is None else scale * weight
    result = centred * scale.reshape(shape) + beta.reshape(shape)
    return result, (mean.detach(), variance.detach())
