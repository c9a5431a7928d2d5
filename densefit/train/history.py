"""History of a training: metrics and scores, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class History:
    """The result of `fit`.

    Attributes:
        network: the trained Network.
        epochs: one dict per epoch: epoch, update, lr, samples, seconds, train (flat dict of the
            epoch's training metrics), validation (flat dict, empty without a validation); with
            heads that learn objects also objects (counts, see
            `densefit.data.loader.object_counts`), and with frozen parameters their number after
            the epoch's last update.
        last_validation: scores of the last validation.
        stop_reason: reason of the callback that stopped the training, even at the last update;
            None if no callback did.
        update: number of optimizer updates done.
    """

    network: Any
    epochs: list[dict[str, Any]] = field(default_factory=list)
    last_validation: dict[str, float] = field(default_factory=dict)
    stop_reason: str | None = None
    update: int = 0
