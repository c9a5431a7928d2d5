"""Parts of a running training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from densefit.callbacks.callback import Callback, TrainState
from densefit.engine.engine import Engine
from densefit.metrics import Metric


@dataclass
class Session:
    """Parts of a training that a checkpoint stores and a resume restores.

    Attributes:
        learner: engine, with parameters and optimizer.
        state: progress of the training.
        history: records of the epochs so far.
        callbacks: callbacks in list order.
        metrics: head -> training metrics, accumulated over the epoch so far.
        rate: resolved schedule; None if the optimizer sets the learning rate.
        balancer: balancer of the heads' losses; None for none.
        identity: settings of the training, see `densefit.checkpoint.training.identity`.
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
