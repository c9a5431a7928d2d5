"""Optimizers of PyTorch with MXNet's arithmetic, and their states by parameter name."""

from densefit.engine.torch.optimizers.resume import load_optimizer_state, optimizer_state
from densefit.engine.torch.optimizers.start import start

__all__ = ["load_optimizer_state", "optimizer_state", "start"]
