"""DDRNet's context of the whole image, added to a map of stride 8."""

from __future__ import annotations

from typing import Any

from densefit.model.activation import activate
from densefit.model.backbones.ddrnet import bottleneck
from densefit.model.decoders.decoder import LOGIT_STRIDE, Decoder, decoders, last_convolution
from densefit.model.heads.features import Features
from densefit.model.layers import conv, upsample
from densefit.model.normalization import normalize
from densefit.numeric import check_whole
from densefit.symbol import sym

POOLS = (2, 4, 8)  # strides of the means; windows are of 2 * stride + 1 cells


@decoders.register("ddrnet")
class DDRNetDecoder(Decoder):
    """The low branch's last stage, the context module (DAPPM) and the head of DDRNet (Hong et al.
    2021), for real time: with the backbone `ddrnet23_slim` the whole network of the paper.

    A bottleneck halves the deepest map. Means over windows of 5, 9 and 17 cells and over the
    whole map are each added to the context of the smaller window before a 3x3 convolution; all of
    them are joined, enlarged and added to the backbone's map of stride 8. BatchNorm and ReLU come
    before each convolution.

    Args:
        channels: channels of the head; 64 in DDRNet-23-slim.
        context: channels of each window's context; 128 in the paper.
    """

    output_stride = 32

    def __init__(self, channels: int = 64, context: int = 128) -> None:
        check_whole(channels, "channels", 1)
        check_whole(context, "context", 1)
        self.channels, self.context = channels, context

    def __call__(self, features: Features, name: str, outputs: int, init: Any = None) -> Any:
        """See `Decoder`."""
        deepest = max(features.maps)
        width = features.channels[deepest]
        stride = 2 * deepest
        x = bottleneck(features.maps[deepest], f"{name}_deep", width, stride=2)
        x = self._context(x, 2 * width, features.channels[8], f"{name}_context", features, stride)
        x = upsample(x, stride // 8, features.size(stride), features.size(8))
        return self._scores(
            x + features.maps[8], features.channels[8], features, name, outputs, init
        )

    def auxiliary(self, features: Features, name: str, outputs: int) -> Any:
        """The head alone on the backbone's auxiliary map, if that has stride 8; see `Decoder`."""
        source = features.auxiliary
        if source is None or source.stride != 8:
            return super().auxiliary(features, name, outputs)
        return self._scores(source.symbol, source.channels, features, name, outputs, None)

    def _context(
        self, x: Any, inputs: int, outputs: int, name: str, features: Features, stride: int
    ) -> Any:
        """Deep aggregation pyramid pooling of a map (B, inputs, h, w) at a stride."""
        size = features.size(stride)
        context = _convolved(x, inputs, self.context, f"{name}_own")
        contexts = [context]
        for factor in (*POOLS, 0):
            layer = f"{name}_pool{factor}" if factor else f"{name}_mean"
            y = _convolved(_means(x, factor), inputs, self.context, layer)
            if factor:
                y = upsample(y, factor, features.size(stride * factor), size)
                context = y + context
            else:
                context = sym.broadcast_add(context, y)
            context = _convolved(context, self.context, self.context, f"{layer}_sum", kernel=3)
            contexts.append(context)
        joined = sym.concat(*contexts, dim=1, name=f"{name}_joined")
        joined = _convolved(joined, len(contexts) * self.context, outputs, f"{name}_all")
        return joined + _convolved(x, inputs, outputs, f"{name}_shortcut")

    def _scores(
        self, x: Any, inputs: int, features: Features, name: str, outputs: int, init: Any
    ) -> Any:
        x = _convolved(x, inputs, self.channels, f"{name}_head", kernel=3)
        x = _rectified(x, self.channels, f"{name}_logits")
        x = last_convolution(x, f"{name}_logits", outputs, init)
        return upsample(x, 8 // LOGIT_STRIDE, features.size(8), features.size(LOGIT_STRIDE))


def _means(x: Any, factor: int) -> Any:
    """Means over windows of 2 * factor + 1 cells, zeros outside; 0: over the whole map."""
    if not factor:
        return sym.mean(x, axis=(2, 3), keepdims=True)
    window = {"kernel": (2 * factor + 1,) * 2, "stride": (factor,) * 2, "pad": (factor,) * 2}
    return sym.Pooling(x, pool_type="avg", **window)


def _rectified(x: Any, channels: int, name: str) -> Any:
    return activate(normalize(x, f"{name}_bn", channels), "relu", name)


def _convolved(x: Any, inputs: int, outputs: int, name: str, kernel: int = 1) -> Any:
    """BatchNorm, ReLU, convolution."""
    return conv(_rectified(x, inputs, name), name, outputs, kernel)
