"""What a training consists of while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from densefit.callbacks.callback import Callback, TrainState
from densefit.engine.engine import Engine
from densefit.metrics import Metric


@dataclass
class Session:
    """The parts of a training that a checkpoint keeps and that a resume brings back.

    Attributes:
        learner: holds parameters and optimizer.
        state: where the training stands.
        history: its numbers so far.
        callbacks: in list order.
        judges: head -> its training metrics, of the epoch so far.
        rate: the resolved schedule; None if the optimizer has its own rate.
        balancer: of the heads' losses; None for none.
        identity: what the training is made of, see `densefit.checkpoint.training.identity`.
        before: gives the same as an earlier version told it.
    """

    learner: Engine
    state: TrainState
    history: Any
    callbacks: Sequence[Callback] = ()
    judges: Mapping[str, Sequence[Metric]] = field(default_factory=dict)
    rate: Any = None
    balancer: Any = None
    identity: Mapping[str, Any] = field(default_factory=dict)
    before: Callable[[], Mapping[str, Any]] = dict
