"""The parts of a running training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from densefit.callbacks.callback import Callback, TrainState
from densefit.engine.engine import Engine
from densefit.metrics import Metric


@dataclass
class Session:
    """The parts of a training that a checkpoint stores and a resume restores.

    Attributes:
        learner: the engine, with parameters and optimizer.
        state: where the training stands.
        history: its numbers so far.
        callbacks: in list order.
        metrics: head -> its training metrics, of the epoch so far.
        rate: the resolved schedule; None if the optimizer sets the rate.
        balancer: of the heads' losses; None for none.
        identity: the training's settings, see `densefit.checkpoint.training.identity`.
        before: returns the identity as an earlier version wrote it.
    """

    learner: Engine
    state: TrainState
    history: Any
    callbacks: Sequence[Callback] = ()
    metrics: Mapping[str, Sequence[Metric]] = field(default_factory=dict)
    rate: Any = None
    balancer: Any = None
    identity: Mapping[str, Any] = field(default_factory=dict)
    before: Callable[[], Mapping[str, Any]] = dict
