"""Normalizations: layer, group, instance, L2, local response; batch in batchnorm.py."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator


@operator("LayerNorm")
def layer_norm(attrs: Attributes) -> Compute:
    """Normalize along an axis; also its mean and deviation, without gradient."""
    axis, epsilon = attrs.whole("axis", -1), attrs.number("eps", 1e-5)
    all_outputs = attrs.flag("output_mean_var")

    def compute(run: Any, x: Any, gamma: Any, beta: Any) -> Any:
        moved = x.movedim(axis, -1)
        result = F.layer_norm(moved, moved.shape[-1:], gamma, beta, epsilon).movedim(-1, axis)
        if not all_outputs:
            return result
        variance, mean = torch.var_mean(x.detach(), axis, correction=0, keepdim=True)
        return result, mean, torch.sqrt(variance + epsilon)

    return compute


@operator("InstanceNorm")
def instance_norm(attrs: Attributes) -> Compute:
    """Normalize each channel of each sample."""
    epsilon = attrs.number("eps", 1e-3)
    return lambda run, x, gamma, beta: torch.group_norm(x, x.shape[1], gamma, beta, epsilon)


@operator("GroupNorm")
def group_norm(attrs: Attributes) -> Compute:
    """Normalize groups of channels; scale and shift have one value for each group in MXNet."""
    groups, epsilon = attrs.whole("num_groups", 1), attrs.number("eps", 1e-5)
    all_outputs = attrs.flag("output_mean_var")

    def compute(run: Any, x: Any, gamma: Any, beta: Any) -> Any:
        size = x.shape[1] // groups
        scale, shift = gamma.repeat_interleave(size), beta.repeat_interleave(size)
        result = torch.group_norm(x, groups, scale, shift, epsilon)
        if not all_outputs:
            return result
        rows = x.detach().reshape(x.shape[0], groups, -1)
        variance, mean = torch.var_mean(rows, -1, correction=0)
        return result, mean, torch.sqrt(variance + epsilon)

    return compute


@operator("L2Normalization")
def l2_normalization(attrs: Attributes) -> Compute:
    """Divide by the L2 norm of a sample, of a position's channels or of a channel's positions."""
    epsilon, mode = attrs.number("eps", 1e-10), attrs.text("mode", "instance")

    def compute(run: Any, x: Any) -> Any:
        axes = (1,) if mode == "channel" else tuple(range(2 if mode == "spatial" else 1, x.ndim))
        return x / torch.sqrt((x * x).sum(axes, keepdim=True) + epsilon)

    return compute


@operator("LRN")
def local_response(attrs: Attributes) -> Compute:
    """Divide by a power of the sum of squares of neighbouring channels."""
    size, alpha = attrs.whole("nsize"), attrs.number("alpha", 1e-4)
    beta, bias = attrs.number("beta", 0.75), attrs.number("knorm", 2.0)
    return lambda run, x: F.local_response_norm(x, size, alpha, beta, bias)


@operator("Dropout")
def dropout(attrs: Attributes) -> Compute:
    """Zero elements at random and scale the others by 1 / (1 - p).

    Elements along `axes` share one decision.
    """
    share, always = attrs.number("p", 0.5), attrs.text("mode", "training") == "always"
    axes = attrs.wholes("axes", ()) if attrs.optional("axes") else ()

    def compute(run: Any, x: Any) -> Any:
        if not (run.training or always) or share == 0:
            return x
        if not axes:
            return F.dropout(x, share, True)
        sizes = [1 if n in axes else size for n, size in enumerate(x.shape)]
        return x * F.dropout(x.new_ones(sizes), share, True)

    return compute


@operator("softmax", "log_softmax", "softmin")
def softmax(attrs: Attributes) -> Compute:
    """Softmax along an axis; with `use_length` of the first elements only, the others are 0."""
    axis, kind = attrs.whole("axis", -1), attrs.node.op
    temperature = attrs.optional("temperature") or 1.0
    with_length = attrs.flag("use_length")
    factor = (-1 if kind == "softmin" else 1) / float(temperature)
    function = torch.log_softmax if kind == "log_softmax" else torch.softmax

    def compute(run: Any, x: Any, length: Any = None) -> Any:
        x = x if factor == 1 else x * factor
        if not with_length:
            return function(x, axis)
        inside = within(length, x.shape, axis % x.ndim)
        result = function(torch.where(inside, x, -math.inf), axis)
        return torch.where(inside, result, 0.0)

    return compute


def within(length: Any, shape: Any, axis: int) -> Any:
    """Which elements along an axis are among the first `length`, a tensor of the other axes."""
    steps = torch.arange(shape[axis], device=length.device)
    steps = steps.reshape([-1 if n == axis else 1 for n in range(len(shape))])
    return steps < length.unsqueeze(axis)


@operator("masked_softmax", "masked_log_softmax")
def masked_softmax(attrs: Attributes) -> Compute:
    """Softmax over the elements whose mask is set; the others are 0 (log: minus infinity)."""
    axis, temperature = attrs.whole("axis", -1), attrs.number("temperature", 1.0)
    logarithm = "log" in attrs.node.op

    def compute(run: Any, x: Any, mask: Any) -> Any:
        mask = mask.bool()
        masked = torch.where(mask, x / temperature, -math.inf)
        if logarithm:
            return torch.where(mask, torch.log_softmax(masked, axis), -math.inf)
        return torch.where(mask, torch.softmax(masked, axis), 0.0)

    return compute


@operator("SoftmaxActivation")
def softmax_activation(attrs: Attributes) -> Compute:
    """Softmax over the channels of each position, or over the last axis."""
    if attrs.text("mode", "instance") == "channel":
        return lambda run, x: torch.softmax(x, 1)
    return lambda run, x: torch.softmax(x, -1)
