"""Multi-label classification: which of several classes a picture shows."""

from .head import MultiLabel

__all__ = ["MultiLabel"]
