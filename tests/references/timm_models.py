"""timm, which imports torchvision."""

from tests.references.required import reference
from tests.references.torchvision_cpu import torchvision  # noqa: F401

__all__ = ["timm"]

timm = reference("timm")
