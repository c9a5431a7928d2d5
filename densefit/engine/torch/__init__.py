"""The engine on PyTorch: graphs of a network as sequences of PyTorch's calls."""

from densefit.engine.torch.devices import (
    argmax,
    as_devices,
    device_memory,
    flip,
    take,
    to_device,
    zeros,
)
from densefit.engine.torch.learner import Learner
from densefit.engine.torch.operators import operator
from densefit.engine.torch.seeding import draw_seed, seed

__all__ = [
    "Learner",
    "argmax",
    "as_devices",
    "device_memory",
    "draw_seed",
    "flip",
    "operator",
    "seed",
    "take",
    "to_device",
    "zeros",
]
