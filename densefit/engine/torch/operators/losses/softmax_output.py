"""SoftmaxOutput: softmax whose gradient is the cross-entropy's, in all its variants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.losses.loss_layers import loss_layer
from densefit.engine.torch.operators.registry import Compute, operator


@dataclass(frozen=True)
class Settings:
    """Settings of a SoftmaxOutput."""

    scale: float
    ignore_label: float
    use_ignore: bool
    multi_output: bool
    preserve_shape: bool
    normalization: str
    smooth_alpha: float
    out_grad: bool

    @classmethod
    def of(cls, attrs: Attributes) -> Settings:
        """Read the settings of a node."""
        return cls(
            scale=attrs.number("grad_scale", 1.0),
            ignore_label=attrs.number("ignore_label", -1.0),
            use_ignore=attrs.flag("use_ignore"),
            multi_output=attrs.flag("multi_output"),
            preserve_shape=attrs.flag("preserve_shape"),
            normalization=attrs.text("normalization", "null"),
            smooth_alpha=attrs.number("smooth_alpha", 0.0),
            out_grad=attrs.flag("out_grad"),
        )

    def as_rows(self, x: Any) -> Any:
        """(N, classes, rest): the classes on axis 1."""
        if self.multi_output:
            return x.reshape(x.shape[0], x.shape[1], -1)
        if self.preserve_shape:
            return x.reshape(-1, x.shape[-1], 1)
        return x.reshape(x.shape[0], -1, 1)


@operator("SoftmaxOutput", "Softmax")
def softmax_output(attrs: Attributes) -> Compute:
    """Softmax over the classes; the gradient is the cross-entropy's.

    The classes are axis 1 with `multi_output`, the last axis with `preserve_shape`, else all
    elements of a sample. A label of the shape of the data holds probabilities.
    `out_grad` multiplies by the gradient of the output; MXNet 1.9.1 by the output instead.
    """
    settings = Settings.of(attrs)

    def compute(run: Any, x: Any, label: Any) -> Any:
        probabilities = torch.softmax(settings.as_rows(x.detach()), 1)
        value = probabilities.reshape(x.shape)

        def gradient(grad: Any) -> Any:
            if label.shape == x.shape:
                slope = (value - label.detach()) * settings.scale
            else:
                slope = _slope(settings, probabilities, label.detach()).reshape(x.shape)
            return slope * grad if settings.out_grad else slope

        return loss_layer(x, value, gradient)

    return compute


def _slope(settings: Settings, probabilities: Any, label: Any) -> Any:
    """Gradient (N, classes, rest) for labels that are classes."""
    rows, classes, rest = probabilities.shape
    label = label.reshape(rows, 1, rest)
    hot = label.long() == torch.arange(classes, device=label.device)[:, None]
    target = hot.to(probabilities.dtype)
    if settings.smooth_alpha and not settings.multi_output:
        other = settings.smooth_alpha / (classes - 1)
        target = torch.where(hot, 1 - settings.smooth_alpha, other).to(probabilities.dtype)
    slope = probabilities - target
    labelled = label != settings.ignore_label
    if settings.use_ignore:
        slope = slope * labelled
    scale = settings.scale
    if settings.normalization == "valid":
        return slope * (scale / labelled.sum().clamp(min=1))
    if settings.multi_output:
        scale /= rest
    if settings.normalization == "batch":
        scale /= rows
    return slope * scale
