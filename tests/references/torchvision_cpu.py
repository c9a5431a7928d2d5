"""torchvision, also beside a CPU build of PyTorch, where its operators may be missing.

The package index has its build for CUDA, whose library of operators does not load there; then only
the registration of a fake `nms` fails. The models need no operator.
"""

from contextlib import suppress

import torch

from tests.references.required import reference

__all__ = ["torchvision"]

LIBRARY = None
torchvision = None
with suppress(RuntimeError, ModuleNotFoundError):
    import torchvision

if torchvision is None:
    LIBRARY = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        LIBRARY.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    torchvision = reference("torchvision")
