"""Loss layers: their gradient is that of a loss, whatever gradient reaches their output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator


class LossLayer(torch.autograd.Function):
    """Output and gradient of a loss layer.

    `value` is the output; `gradient` (head gradient -> gradient of x) is called in the backward
    pass. Both are computed without a graph from detached tensors.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, value: Any, gradient: Callable[[Any], Any]) -> Any:
        ctx.gradient = gradient
        return value.clone() if value is x else value

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return ctx.gradient(grad).contiguous(), None, None


_apply: Any = LossLayer.apply


def loss_layer(x: Any, value: Any, gradient: Callable[[Any], Any]) -> Any:
    """A loss layer; see `LossLayer`."""
    return _apply(x, value.detach(), gradient) if x.requires_grad else value.detach()


@operator("MakeLoss")
def make_loss(attrs: Attributes) -> Compute:
    """The input; its gradient is `grad_scale`, divided by the batch or by the valid elements."""
    scale, kind = attrs.number("grad_scale", 1.0), attrs.text("normalization", "null")
    threshold = attrs.number("valid_thresh", 0.0)

    def compute(run: Any, x: Any) -> Any:
        x0 = x.detach()

        def gradient(grad: Any) -> Any:
            if kind == "valid":
                valid = (x0 > threshold).sum().clamp(min=1)
                return (scale / valid).to(x0.dtype).expand(x0.shape)
            factor = scale / x0.shape[0] if kind == "batch" else scale
            return torch.full_like(x0, factor)

        return loss_layer(x, x0, gradient)

    return compute


@operator("make_loss")
def plain_make_loss(attrs: Attributes) -> Compute:
    """The input; its gradient is 1."""
    return lambda run, x: loss_layer(x, x.detach(), torch.ones_like)


def _regression(
    attrs: Attributes, output: Callable[[Any], Any], slope: Callable[[Any], Any]
) -> Compute:
    scale = attrs.number("grad_scale", 1.0)

    def compute(run: Any, x: Any, label: Any) -> Any:
        value = output(x.detach())

        def gradient(grad: Any) -> Any:
            per_sample = label.numel() // max(label.shape[0], 1)
            error = value - label.detach().reshape(value.shape).to(value.dtype)
            return slope(error) * (scale / max(per_sample, 1))

        return loss_layer(x, value, gradient)

    return compute


@operator("LinearRegressionOutput")
def linear_regression(attrs: Attributes) -> Compute:
    """The input; half the squared error's gradient, divided by the outputs of a sample."""
    return _regression(attrs, lambda x: x, lambda error: error)


@operator("LogisticRegressionOutput")
def logistic_regression(attrs: Attributes) -> Compute:
    """Sigmoid; the binary cross-entropy's gradient, divided by the outputs of a sample."""
    return _regression(attrs, torch.sigmoid, lambda error: error)


@operator("MAERegressionOutput")
def mae_regression(attrs: Attributes) -> Compute:
    """The input; the absolute error's gradient, -1 at 0, divided by the outputs of a sample."""
    return _regression(attrs, lambda x: x, lambda error: torch.where(error > 0, 1.0, -1.0))


@operator("SVMOutput")
def svm_output(attrs: Attributes) -> Compute:
    """The input; the gradient of hinge losses of all classes, squared unless `use_linear`."""
    margin = attrs.number("margin", 1.0)
    factor = attrs.number("regularization_coefficient", 1.0)
    linear = attrs.flag("use_linear")

    def compute(run: Any, x: Any, label: Any) -> Any:
        x0 = x.detach()

        def gradient(grad: Any) -> Any:
            rows = x0.flatten(1)
            hot = label.long().reshape(-1, 1) == torch.arange(rows.shape[1], device=x0.device)
            sign = torch.where(hot, -1.0, 1.0).to(x0.dtype)
            missing = margin + sign * rows
            size = (missing > 0).to(x0.dtype) if linear else 2 * missing.clamp(min=0)
            return (factor * sign * size).reshape(x0.shape)

        return loss_layer(x, x0, gradient)

    return compute


@operator("softmax_cross_entropy")
def softmax_cross_entropy(attrs: Attributes) -> Compute:
    """Sum of the cross-entropies of all rows, shape (1,)."""

    def compute(run: Any, x: Any, label: Any) -> Any:
        chosen = torch.log_softmax(x, 1).gather(1, label.long().reshape(-1, 1))
        return -chosen.sum().reshape(1)

    return compute


@operator("IdentityAttachKLSparseReg")
def kl_sparse(attrs: Attributes) -> Compute:
    """The input; a penalty's gradient on mean activations off a target is added to its own."""
    target, penalty = attrs.number("sparseness_target", 0.1), attrs.number("penalty", 0.001)
    momentum = attrs.number("momentum", 0.9)
    name = attrs.node.inputs[1].node.name

    def compute(run: Any, x: Any, moving: Any) -> Any:
        mean = x.detach().flatten(1).mean(0)
        average = momentum * moving.detach() + (1 - momentum) * mean
        if run.training:
            run.statistics[name] = average
        slope = penalty * (-target / average + (1 - target) / (1 - average))
        shaped = slope.reshape(1, *x.shape[1:])

        def gradient(grad: Any) -> Any:
            return grad + shaped

        return loss_layer(x, x.detach(), gradient)

    return compute
