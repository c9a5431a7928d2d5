"""Let torchvision be imported beside a CPU build of PyTorch, whose operators it lacks.

Its wheel is built for CUDA: there its library of operators does not load, and only the registration
of a fake `nms` fails. The models of classification need no operator.
"""

import torch

try:
    torch.ops.torchvision.nms  # noqa: B018
    LIBRARY = None
except (AttributeError, RuntimeError):
    LIBRARY = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        LIBRARY.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import torchvision  # noqa: E402

__all__ = ["torchvision"]
