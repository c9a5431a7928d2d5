"""RetinaNet. Importing this package registers the head."""

from . import published
from .head import RetinaNet

__all__ = ["RetinaNet", "published"]
