"""torchvision's MobileNetV2 as functions of its state dict: feature maps at every stride."""

import torch
from torch.nn import functional

#: (expansion, stride) of each inverted residual: table 2 of the paper.
BLOCKS = [(1, 1), (6, 2), (6, 1), (6, 2), (6, 1), (6, 1), (6, 2), *[(6, 1)] * 3]
BLOCKS += [(6, 1)] * 3 + [(6, 2)] + [(6, 1)] * 3


def maps(state, image):
    """stride -> map before the next stride, of a normalised (B, 3, H, W) image.

    Args:
        state: name in torchvision's state dict -> tensor.
        image: tensor.
    """

    def unit(x, conv, norm, stride=1, is_active=True):
        weight = state[f"{conv}.weight"]
        groups = x.shape[1] if weight.shape[1] == 1 else 1
        x = functional.conv2d(x, weight, None, stride, weight.shape[-1] // 2, 1, groups)
        entries = (f"{norm}.{end}" for end in ("running_mean", "running_var", "weight", "bias"))
        x = functional.batch_norm(x, *(state[name] for name in entries), eps=1e-5)
        return functional.relu6(x) if is_active else x

    x, total, result = unit(image, "features.0.0", "features.0.1", 2), 2, {}
    for number, (expansion, stride) in enumerate(BLOCKS, start=1):
        if stride == 2:
            result[total] = x
        total *= stride
        block, y, index = f"features.{number}.conv", x, 0
        if expansion > 1:
            y, index = unit(y, f"{block}.0.0", f"{block}.0.1"), 1
        y = unit(y, f"{block}.{index}.0", f"{block}.{index}.1", stride)
        y = unit(y, f"{block}.{index + 1}", f"{block}.{index + 2}", is_active=False)
        x = x + y if x.shape == y.shape else y
    result[total] = x
    return {stride: result[stride] for stride in (4, 8, 16, 32)}


def tensors(arrays):
    """Arrays by name as tensors of float32."""
    return {name: torch.tensor(array, dtype=torch.float32) for name, array in arrays.items()}
