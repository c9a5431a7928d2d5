"""Layers that backbones and heads share: convolution + BatchNorm + ReLU, upsampling, logits."""

from __future__ import annotations

import warnings
from typing import Any

from densefit.model.activation import activate
from densefit.model.normalization import normalize
from densefit.symbol import init, sym


def conv(
    x: Any,
    name: str,
    channels: int,
    kernel: int = 3,
    *,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
    pad: int | None = None,
    bias: bool = False,
) -> Any:
    """Convolution of a square kernel with the weight `<name>_weight` and perhaps `<name>_bias`.

    By default the padding keeps ceil(size / stride), for odd kernels.
    """
    pad = dilation * (kernel // 2) if pad is None else pad
    return sym.Convolution(
        x,
        num_filter=channels,
        kernel=(kernel, kernel),
        stride=(stride, stride),
        dilate=(dilation, dilation),
        pad=(pad, pad),
        num_group=groups,
        no_bias=not bias,
        name=name,
    )


def conv_bn(
    x: Any,
    name: str,
    channels: int,
    kernel: int = 3,
    *,
    activation: str | None = "relu",
    eps: float = 1e-5,
    **settings: Any,
) -> Any:
    """Convolution without bias, normalization with `eps`, and an activation by name or None.

    Parameters are `<name>_weight`, `<name>_bn_gamma`, ..., so that two graphs that build the
    layer under one name share it. The normalization is BatchNorm unless `Normalization` says
    another. Padding keeps ceil(size / stride).

    Args:
        x: a feature map.
        name: prefix of the parameters.
        channels: number of filters.
        kernel: height and width of the kernel.
        activation: a name of `densefit.model.activation`.
        eps: added to the variance.
        settings: stride, dilation, groups and pad of `conv`; `relu`, the former name of
            `activation`.
    """
    if "relu" in settings:
        warnings.warn("conv_bn(relu=) is activation= now", DeprecationWarning, stacklevel=2)
        activation = settings.pop("relu")
    x = conv(x, name, channels, kernel, **settings)
    return activate(normalize(x, f"{name}_bn", channels, eps), activation, name)


def separable_conv_bn(x: Any, name: str, inputs: int, channels: int, **settings: Any) -> Any:
    """A 3x3 convolution by channel, a 1x1 convolution, normalization, and an activation.

    About a ninth of the multiply-adds of a full 3x3 convolution, as in Xception (Chollet, CVPR
    2017). Parameters are `<name>_depthwise_weight` and those of `conv_bn`.

    Args:
        x: a feature map of `inputs` channels.
        name: prefix of the parameters.
        inputs: channels of x.
        channels: number of filters.
        settings: stride, dilation and pad of the convolution by channel.
    """
    x = conv(x, f"{name}_depthwise", inputs, groups=inputs, **settings)
    return conv_bn(x, name, channels, kernel=1)


def upsample(x: Any, factor: int, size: tuple[int, int], out: tuple[int, int]) -> Any:
    """Upsample a (B, C, h, w) Symbol bilinearly by an integer factor, and crop it to `out`.

    A map of stride s covers s * ceil(H / s) pixels, more than the image when s does not divide
    H; resizing it to H directly would stretch it. Upsampling by the factor and cropping the
    overhang keeps every cell over its pixels, at any input size.

    Two matrix products, because MXNet's BilinearResize2D takes 13 times as long on a CPU. Edges
    and centres are those of `align_corners=False`.

    Args:
        x: feature map.
        factor: factor of upsampling; 1 only crops.
        size: (h, w) of x.
        out: (height, width) of the result, at most factor * size.
    """
    if factor > 1:
        x = sym.dot(x, _bilinear(size[1], out[1], factor))
        x = sym.transpose(x, axes=(0, 1, 3, 2))
        x = sym.dot(x, _bilinear(size[0], out[0], factor))
        return sym.transpose(x, axes=(0, 1, 3, 2))
    if tuple(size) != tuple(out):
        x = sym.slice(x, begin=(None, None, 0, 0), end=(None, None, out[0], out[1]))
    return x


def strongest(
    x: Any, factor: int, size: tuple[int, int], out: tuple[int, int], dtype: str = "uint8"
) -> Any:
    """Compute the argmax over channels of `upsample(x, factor, size, out)`: (B, height, width).

    Rows and columns are transposed back in the result only, not in every channel.
    """
    if factor == 1:
        return sym.cast(sym.argmax(upsample(x, factor, size, out), axis=1), dtype=dtype)
    x = sym.transpose(sym.dot(x, _bilinear(size[1], out[1], factor)), axes=(0, 1, 3, 2))
    classes = sym.argmax(sym.dot(x, _bilinear(size[0], out[0], factor)), axis=1)
    return sym.transpose(sym.cast(classes, dtype=dtype), axes=(0, 2, 1))


def _bilinear(size: int, out: int, factor: int) -> Any:
    """Interpolation weights (size, out) as a Symbol, computed in the graph: no parameter."""
    source = sym.reshape(sym.arange(0, size), shape=(size, 1))
    position = sym.clip((sym.arange(0, out) + 0.5) * (1.0 / factor) - 0.5, 0, size - 1)
    distance = sym.abs(sym.broadcast_sub(sym.reshape(position, shape=(1, out)), source))
    return sym.relu(1.0 - distance)


def pooled_logits(features: Any, name: str, outputs: int, dropout: float = 0.0) -> Any:
    """Compute image-level logits (B, outputs): a dense layer on the mean of the deepest map.

    Args:
        features: features of the backbone.
        name: name of the head; the layer is `<name>_class`.
        outputs: number of logits.
        dropout: probability that training drops a channel's mean.
    """
    data = sym.mean(features.maps[max(features.maps)], axis=(2, 3))
    if dropout:
        data = sym.Dropout(data, p=dropout, name=f"{name}_dropout")
    return sym.FullyConnected(
        data,
        sym.Variable(f"{name}_class_weight", init=init.Normal(0.01)),
        sym.Variable(f"{name}_class_bias", init=init.Zero()),
        num_hidden=outputs,
        name=f"{name}_class",
    )
