"""How a train graph is bound, and how its optimizer is started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from densefit.engine.ema import EMA
from densefit.engine.param_groups import Groups
from densefit.model.network_graph import Weigh


@dataclass(frozen=True)
class BindSettings:
    """How a train graph is bound.

    Attributes:
        initializer: of parameters without a value: an object, or its name ("xavier"); None: He.
        seed: initial values follow from it and the parameter's name.
        accumulate: micro-batches an update; for 1, gradients are written, not added.
        freeze: patterns of parameters that are not trained, nor are their BatchNorm's statistics.
        ema: average the weights; the network is then given the averages.
        precision: "float32" or "bfloat16", of convolutions and dense layers.
        weigh: see `Network.graph`.
        fixed: names of parameters without a gradient; their BatchNorm layers train on.
        allow_missing: initialise parameters that the network has no value for, not refuse them.
        fuse: join operators; a monitor needs the outputs of each.
        live: a user's Module that trains itself; None: the engine binds its own.
        is_given: the network has other parameters than that Module.
    """

    initializer: Any = None
    seed: int = 0
    accumulate: int = 1
    freeze: Sequence[str] = ()
    ema: EMA | None = None
    precision: str = "float32"
    weigh: Weigh | None = None
    fixed: Sequence[str] = ()
    allow_missing: bool = True
    fuse: bool = True
    live: Any = None
    is_given: bool = False


@dataclass(frozen=True)
class OptimizerSettings:
    """An optimizer and what it is started with.

    Attributes:
        optimizer: MXNet's name, or an `mx.optimizer.Optimizer`.
        settings: of an optimizer given by name.
        groups: pattern of parameter names -> factors on rate and decay.
        kvstore: of a user's Module that trains itself.
        has_schedule: a schedule sets the learning rate of each update.
    """

    optimizer: Any = "sgd"
    settings: Mapping[str, Any] = field(default_factory=dict)
    groups: Groups | None = None
    kvstore: Any = "local"
    has_schedule: bool = False
