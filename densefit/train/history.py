"""What a training run leaves in memory: its numbers, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class History:
    """The result of `fit`.

    Attributes:
        network: the trained Network.
        epochs: one dict an epoch: epoch, update, lr, samples, seconds, train (flat dict of
            numbers over the epoch), validation (flat dict, empty where none was made); of heads
            that learn objects also objects (counts, see `densefit.data.loader.object_counts`).
        last_validation: the scores of the last validation.
        stop_reason: what a callback stopped it for, at the last update of its plan too; None if
            none did.
        update: optimizer updates done.
    """

    network: Any
    epochs: list[dict[str, Any]] = field(default_factory=list)
    last_validation: dict[str, float] = field(default_factory=dict)
    stop_reason: str | None = None
    update: int = 0
