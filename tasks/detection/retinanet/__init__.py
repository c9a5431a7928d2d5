"""RetinaNet. Importing this package registers the head."""

from .head import RetinaNet

__all__ = ["RetinaNet"]
