"""timm, which imports torchvision; without wandb, whose import takes a second."""

import sys

import pytest

from tests.references.required import reference
from tests.references.torchvision_cpu import torchvision

__all__ = ["timm", "torchvision"]

with pytest.MonkeyPatch.context() as patch:
    patch.setitem(sys.modules, "wandb", None)
    timm = reference("timm")
