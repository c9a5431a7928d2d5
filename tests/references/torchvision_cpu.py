"""torchvision, also beside a CPU build of PyTorch, where its operators may be missing.

The package index has its build for CUDA, whose library of operators does not load there; then only
the registration of a fake `nms` fails. The models need no operator.
"""

import sys
from contextlib import suppress
from types import SimpleNamespace

import pytest
import torch

from tests.references.required import reference

__all__ = ["torchvision"]

LIBRARY = None
torchvision = None
# Its operators ask the compiler, whose import takes 2 s, whether it can compile them.
compiler = SimpleNamespace(is_compile_supported=lambda device: True)
with pytest.MonkeyPatch.context() as patch:
    for name in ("torch._dynamo", "torch._dynamo.utils"):
        if name not in sys.modules:
            patch.setitem(sys.modules, name, compiler)
    with suppress(RuntimeError, ModuleNotFoundError):
        import torchvision

    if torchvision is None:
        LIBRARY = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            LIBRARY.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        torchvision = reference("torchvision")
