"""Classification of whole images. Importing this package registers the head."""

from .head import Classification

__all__ = ["Classification"]
