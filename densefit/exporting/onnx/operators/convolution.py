"""Convolutions."""

from __future__ import annotations

from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.registry import converts
from densefit.exporting.onnx.tensor import Tensor

_CHANNELS_FIRST = ("", "None", "NCW", "NCHW", "NCDHW")


def check_layout(layer: Layer) -> None:
    """Raise ExportError unless the channels are the second axis."""
    if layer.text("layout") not in _CHANNELS_FIRST:
        raise layer.refusal(f"its layout is {layer.text('layout')}; NCHW is supported")


def window(layer: Layer) -> tuple[list[int], list[int], list[int], list[int]]:
    """(kernel, stride, pad, dilation) of a layer."""
    kernel = [int(size) for size in layer.sizes("kernel")]
    ones, zeros = (1,) * len(kernel), (0,) * len(kernel)
    stride = [int(size) for size in layer.sizes("stride") or ones]
    pad = [int(size) for size in layer.sizes("pad") or zeros]
    dilation = [int(size) for size in layer.sizes("dilate") or ones]
    return kernel, stride, pad, dilation


def _parameters(layer: Layer, has_bias: bool) -> list[Tensor]:
    return layer.inputs[1 : 3 if has_bias else 2]


@converts("Convolution", "Convolution_v1")
def convolution(layer: Layer) -> Tensor:
    check_layout(layer)
    kernel, stride, pad, dilation = window(layer)
    return layer.emit(
        "Conv",
        layer.data,
        *_parameters(layer, not layer.flag("no_bias")),
        kernel_shape=kernel,
        strides=stride,
        pads=pad * 2,
        dilations=dilation,
        group=layer.integer("num_group", 1),
    )


@converts("Deconvolution")
def deconvolution(layer: Layer) -> Tensor:
    check_layout(layer)
    kernel, stride, pad, dilation = window(layer)
    extra = [int(size) for size in layer.sizes("adj") or (0,) * len(kernel)]
    target = layer.sizes("target_shape")
    if any(target):
        spans = [
            step * (size - 1) + (width - 1) * rate + 1 - wanted_size
            for step, size, width, rate, wanted_size in zip(
                stride, layer.data.sizes[2:], kernel, dilation, target
            )
        ]
        pad, extra = [(span + 1) // 2 for span in spans], [span % 2 for span in spans]
    return layer.emit(
        "ConvTranspose",
        layer.data,
        *_parameters(layer, not layer.flag("no_bias", True)),
        kernel_shape=kernel,
        strides=stride,
        pads=pad * 2,
        dilations=dilation,
        output_padding=extra,
        group=layer.integer("num_group", 1),
    )
