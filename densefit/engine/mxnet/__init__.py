"""The engine on MXNet: Modules bound to the graphs of a network."""

from densefit.engine.mxnet.devices import (
    argmax,
    as_devices,
    device_memory,
    flip,
    take,
    to_device,
    zeros,
)
from densefit.engine.mxnet.learner import Learner
from densefit.engine.mxnet.seeding import draw_seed, seed

__all__ = [
    "Learner",
    "argmax",
    "as_devices",
    "device_memory",
    "draw_seed",
    "flip",
    "seed",
    "take",
    "to_device",
    "zeros",
]
