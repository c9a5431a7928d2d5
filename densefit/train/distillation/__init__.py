"""Distillation: heads of a training that learn from trained networks, on every picture."""

from densefit.train.distillation.distill import Distill

__all__ = ["Distill"]
