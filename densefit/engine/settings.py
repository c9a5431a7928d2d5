"""Settings of the train graph's binding and of its optimizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from densefit.engine.ema import EMA
from densefit.engine.param_groups import Groups
from densefit.model.network_graph import Weigh


@dataclass(frozen=True)
class BindSettings:
    """Settings of the train graph's binding.

    Attributes:
        initializer: initializer of parameters without a value: an object, or its name ("xavier");
            None: He.
        seed: seed of the initial values, together with the parameter's name.
        accumulate: micro-batches per update; for 1, gradients are written, not added.
        freeze: patterns of parameters to freeze, with their BatchNorm's statistics.
        ema: averages the weights; the network then gets the averages.
        precision: "float32" or "bfloat16", of convolutions and dense layers.
        weigh: see `Network.graph`.
        fixed: names of parameters without a gradient; statistics of their BatchNorms are updated.
        allow_missing: whether to initialise parameters without a value instead of refusing them.
        fuse: whether to fuse operators; a monitor needs the outputs of each operator.
        sync_batchnorm: whether BatchNorm normalizes by the batch of all ranks.
        live: a user's Module to train; None to bind a new one.
        is_given: whether the network has other parameters than that Module.
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
    sync_batchnorm: bool = False
    live: Any = None
    is_given: bool = False


@dataclass(frozen=True)
class OptimizerSettings:
    """An optimizer and its settings.

    Attributes:
        optimizer: MXNet's name, or an `mx.optimizer.Optimizer`.
        settings: settings of an optimizer given by name.
        groups: pattern of parameter names -> factors on rate and decay.
        kvstore: kvstore of a user's Module that trains itself.
        has_schedule: whether a schedule sets the learning rate of each update.
    """

    optimizer: Any = "sgd"
    settings: Mapping[str, Any] = field(default_factory=dict)
    groups: Groups | None = None
    kvstore: Any = "local"
    has_schedule: bool = False
