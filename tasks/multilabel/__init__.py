"""Multi-label classification: which of several classes an image shows."""

from .head import MultiLabel

__all__ = ["MultiLabel"]
