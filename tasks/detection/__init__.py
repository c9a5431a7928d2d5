"""Detection: boxes with classes and scores. Importing this package registers the head."""

from .head import Detection

__all__ = ["Detection"]
