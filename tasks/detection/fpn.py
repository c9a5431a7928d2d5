"""A feature pyramid without normalisation, as RetinaNet, FCOS and Faster R-CNN have it. Symbols.

Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017, section 3; the further
levels of Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, section 4. The layers are
those of torchvision's `FeaturePyramidNetwork`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from densefit.errors import ConfigError
from densefit.model.heads.head import Features
from densefit.symbol import init, sym


def convolution(
    data: Any,
    name: str,
    channels: int,
    kernel: int = 3,
    stride: int = 1,
    weight: Any = None,
    bias: float = 0.0,
) -> Any:
    """A convolution with a bias and no normalisation; its padding keeps the size at stride 1.

    Args:
        data: (B, C, H, W).
        name: prefix of the parameters.
        channels: filters.
        kernel: side of the filters, odd.
        stride: step in both directions.
        weight: initializer of the filters; None: uniform by the number of inputs (Xavier).
        bias: initial value of the biases.
    """
    weight = (
        init.Xavier(rnd_type="uniform", factor_type="in", magnitude=1) if not weight else weight
    )
    return sym.Convolution(
        data,
        sym.Variable(f"{name}_weight", init=weight),
        sym.Variable(f"{name}_bias", init=init.Constant(bias)),
        num_filter=channels,
        kernel=(kernel, kernel),
        stride=(stride, stride),
        pad=(kernel // 2, kernel // 2),
        name=name,
    )


def doubled(deeper: Any, data: Any, size: tuple[int, int]) -> Any:
    """Repeat each cell of a map 2x2 times, up to the size (height, width) of the map `data`."""
    deeper = sym.UpSampling(deeper, scale=2, sample_type="nearest", num_args=1)
    if any(side % 2 for side in size):
        # Sizes round up: the upsampled map may be one too large.
        deeper = sym.slice_like(deeper, data, axes=(2, 3))
    return deeper


def pyramid_levels(
    name: str,
    features: Features,
    strides: Sequence[int],
    channels: int,
    pooled: bool = False,
    of_backbone: bool = False,
) -> list[Any]:
    """One map (B, channels, H/stride, W/stride) per level; each stride is twice the previous one.

    Args:
        name: prefix of the parameters.
        features: feature maps of the backbone.
        strides: strides of the levels; the first is one of the backbone's.
        channels: channels of all levels.
        pooled: further levels are every second cell of the last one, as Faster R-CNN has them;
            else convolutions of stride 2 (after a ReLU from the second on), as in RetinaNet.
        of_backbone: the first convolution of stride 2 reads the backbone's last map instead of the
            pyramid's, as in the paper of RetinaNet.

    Raises:
        ConfigError: the backbone has no map at the first stride.
    """
    available = [stride for stride in strides if stride in features.maps]
    if strides[0] not in available:
        raise ConfigError(
            "The backbone has no feature map at the detector's first stride",
            expected=f"one of {', '.join(map(str, sorted(features.maps)))}",
            received=strides[0],
            where=f"head {name!r}",
        )
    laterals = [
        convolution(features.maps[stride], f"{name}_level{stride}_lateral", channels, kernel=1)
        for stride in available
    ]
    merged = laterals[-1:]
    for data, stride in zip(reversed(laterals[:-1]), reversed(available[:-1])):
        merged.insert(0, data + doubled(merged[0], data, features.size(stride)))
    levels = [
        convolution(data, f"{name}_level{stride}_smooth", channels)
        for data, stride in zip(merged, available)
    ]
    for count, stride in enumerate(strides[len(available) :]):
        data = levels[-1]
        if pooled:
            levels.append(sym.Pooling(data, kernel=(1, 1), stride=(2, 2), pool_type="max"))
        else:
            if count:
                data = sym.relu(data)
            elif of_backbone:
                data = features.maps[available[-1]]
            levels.append(convolution(data, f"{name}_level{stride}_conv", channels, stride=2))
    return levels
