"""One optimizer update over one or more micro-batches, looked at before it is applied."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from densefit.errors import ConfigError, TrainingDiverged
from densefit.metrics import Metric
from densefit.model.wire import Wire
from densefit.score import take_in
from densefit.train.feed import Fed
from densefit.train.guard import Guard
from densefit.train.learner import Learner


@dataclass
class Taken:
    """What came of an update.

    Attributes:
        samples: real samples (no padding) in it.
        gradient_norm: of all parameters' gradients of the mean loss, before it is clipped.
        refused: why it was not applied; None if it was.
    """

    samples: int
    gradient_norm: float
    refused: TrainingDiverged | None = None


class Step:
    """Takes micro-batches from an iterator until there are enough for an update, and makes it.

    Args:
        learner: bound for as many micro-batches.
        wires: the heads by name.
        judges: head -> its training metrics.
        accumulate: micro-batches an update; the last update of an epoch may have fewer.
        clip_norm: the largest norm of the gradient; a longer one is scaled down to it. None: any.
        guard: what happens when a loss or the gradient is not finite.

    Raises:
        ConfigError: a setting out of range.
    """

    def __init__(
        self,
        learner: Learner,
        wires: Mapping[str, Wire],
        judges: Mapping[str, Sequence[Metric]],
        accumulate: int = 1,
        clip_norm: float | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._learner, self._wires, self._judges = learner, wires, judges
        self._accumulate, self._clip_norm = accumulate, clip_norm
        self._guard = guard or Guard()
        self._read = [
            name for own in wires.values() if judges[own.name] for name in own.outputs("train")
        ]
        self._in_a_row = 0

    def __call__(self, batches: Iterator[Fed], lr: float | None, updates: int = 0) -> Taken | None:
        """Make one update; None if there is no batch left.

        Args:
            batches: to take from.
            lr: learning rate; None leaves it to the optimizer's own.
            updates: done before this one.

        Raises:
            TrainingDiverged: a loss or the gradient is not finite, and the guard says so.
        """
        learner, samples = self._learner, 0
        ids: list[str] = []
        keeps = self._guard.policy == "skip"
        refused: TrainingDiverged | None = None
        for number in range(self._accumulate):
            batch = next(batches, None)
            if batch is None:
                break
            samples += batch.real
            ids += batch.ids
            if refused is not None:
                continue  # the rest of a refused update is passed over
            if keeps and number == 0:
                learner.keep_statistics()
            learner.compute(batch, first=number == 0)
            # Sync point: waits for the forward pass; the backward runs on meanwhile.
            outputs = learner.train_outputs(self._read)
            try:
                take_in(self._judges, self._wires, "train", outputs, batch)
            except TrainingDiverged as error:
                refused = error
        if not samples:
            return None
        norm = math.nan
        if refused is None:
            # Sync point: waits for the backward pass.
            norm = learner.gradient_norm()
            if not math.isfinite(norm):
                refused = self._diverged(ids)
        if refused is not None:
            return self._refuse(refused, samples, norm)
        clip = self._clip_norm
        learner.update(lr, 1.0 if clip is None or norm <= clip else clip / norm, updates)
        self._in_a_row = 0
        return Taken(samples, norm)

    def _refuse(self, error: TrainingDiverged, samples: int, norm: float) -> Taken:
        self._in_a_row += 1
        if self._guard.policy == "raise":
            raise error
        if self._guard.policy == "skip":
            if self._in_a_row > self._guard.limit:
                raise error
            self._learner.restore_statistics()
        return Taken(samples, norm, error)

    def _diverged(self, ids: Sequence[str]) -> TrainingDiverged:
        bad = self._learner.bad_gradients()
        heads = [name for name in self._wires if any(p.startswith(f"{name}_") for p in bad)]
        shown = ", ".join(bad[:5]) + (f", ... ({len(bad)} parameters)" if len(bad) > 5 else "")
        samples = ", ".join(ids[:8]) + (f", ... ({len(ids)})" if len(ids) > 8 else "")
        where = f"head {', '.join(heads)}, " if heads else ""
        return TrainingDiverged(
            "The gradient is not finite, though the losses are",
            received=f"nan or infinity in {shown}" if bad else "squares that overflow",
            where=f"{where}samples {samples}",
            fix="lower the learning rate, lengthen the warm-up or clip (clip_norm=...); Guard says "
            "what else can be done",
        )


def check_step(accumulate: int, clip_norm: float | None) -> None:
    """Raise ConfigError for settings out of range."""
    if accumulate < 1 or (clip_norm is not None and not clip_norm > 0):
        raise ConfigError(
            "A setting of the update is out of range",
            expected="accumulate of 1 or more micro-batches, clip_norm above 0 or None",
            received=f"accumulate={accumulate}, clip_norm={clip_norm}",
        )
