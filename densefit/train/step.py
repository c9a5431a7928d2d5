"""One optimizer update over one or more micro-batches, looked at before it is applied."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from densefit.callbacks.clock import Clock
from densefit.data.batch import Batch
from densefit.data.loader.object_counts import added
from densefit.engine.mxnet.learner import Learner
from densefit.errors import TrainingDiverged
from densefit.evaluation.score import take_in
from densefit.metrics import Metric
from densefit.model.heads.adapter import Wire
from densefit.train.balancing import Balancing
from densefit.train.nonfinite import Guard


@dataclass
class Taken:
    """What came of an update.

    Attributes:
        samples: real samples (no padding) in it.
        labelled: head -> those of them that have labels for it, and `<head>/<term>` -> the same.
        gradient_norm: of all parameters' gradients of the mean loss, before it is clipped.
        refused: why it was not applied; None if it was.
        position: in the epoch's order behind its last sample, if the loader tells.
        counts: of objects, see `densefit.data.loader.object_counts`.
        loss_weights: head -> the factor that a balancer gave its loss.
    """

    samples: int
    labelled: dict[str, int]
    gradient_norm: float
    refused: TrainingDiverged | None = None
    position: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    loss_weights: Mapping[str, float] = field(default_factory=dict)


class Step:
    """Makes one optimizer update of its micro-batches.

    Args:
        learner: bound for as many micro-batches.
        wires: the heads by name.
        judges: head -> its training metrics.
        accumulate: micro-batches an update; the last update of an epoch may have fewer.
        clip_norm: the largest norm of the gradient; a longer one is scaled down to it. None: any.
        guard: what happens when a loss or the gradient is not finite.
        clock: told where the time goes.
        balancing: of the heads' losses.

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
        clock: Clock | None = None,
        balancing: Balancing | None = None,
    ) -> None:
        self._learner, self._wires, self._judges = learner, wires, judges
        self._accumulate, self._clip_norm = accumulate, clip_norm
        self._guard = guard or Guard()
        self._clock = clock or Clock()
        self._balancing = balancing
        self._read = [
            name for own in wires.values() if judges[own.name] for name in own.outputs("train")
        ]
        self._head_of = {key: name for name, wire in wires.items() for key in wire.counted}
        # A user's Symbol trains every row, whatever a batch says of its labels.
        self._weighed = {key for wire in wires.values() for key in wire.weights.values()}
        self._in_a_row = 0

    def __call__(
        self,
        batches: Sequence[Batch],
        lr: float | None,
        updates: int = 0,
        reseed: Callable[[], None] = lambda: None,
        skipped: int = 0,
        while_computing: Callable[[], None] | None = None,
    ) -> Taken:
        """Make one update.

        Args:
            batches: its micro-batches.
            lr: learning rate; None leaves it to the optimizer's own.
            updates: done before this one.
            reseed: lets MXNet draw the update's random numbers, from the first; asked before each
                pass over its micro-batches.
            skipped: how many of `updates` were refused, and are in no average of weights.
            while_computing: called while the device computes a micro-batch.

        Raises:
            TrainingDiverged: a loss or the gradient is not finite, and the guard says so.
        """
        learner, clock, balancing = self._learner, self._clock, self._balancing
        labelled = self._labelled(batches)
        absent = self._absent(labelled)
        samples = sum(batch.real for batch in batches)
        refused: TrainingDiverged | None = None
        reseed()
        learner.begin_without(absent)
        shares = self._shares(samples, labelled, updates)
        before = learner.statistics() if self._guard.policy == "skip" else None
        factors = balancing.first_pass(shares) if balancing is not None and shares else shares
        for number, batch in enumerate(batches):
            learner.compute(batch, number == 0, factors, while_computing)
            clock.lap("forward")
            # Sync point: waits for the forward pass; the backward runs on meanwhile.
            outputs = learner.train_outputs(self._read)
            clock.lap("forward")
            try:
                take_in(self._judges, self._wires, "train", outputs, batch)
                if balancing is not None:
                    balancing.take_in(outputs, batch)
            except TrainingDiverged as error:
                refused = error
            clock.lap("metric")
            if refused is not None:
                break  # the rest of a refused update is not computed
        norm = math.nan
        if refused is None:
            try:
                if balancing is not None and shares is not None:
                    balancing.finish(batches, labelled, shares, reseed)
                # Sync point: waits for the backward pass.
                norm = learner.gradient_norm()
                if not math.isfinite(norm):
                    refused = self._diverged(
                        [key for batch in batches for key in batch.ids], absent
                    )
            except TrainingDiverged as error:
                refused = error
            clock.lap("backward")
        taken = Taken(
            samples,
            labelled,
            norm,
            refused,
            batches[-1].position,
            added([batch.counts for batch in batches]),
            {} if balancing is None else balancing.used,
        )
        if refused is not None:
            self._refuse(refused, before)
            return taken
        clip = self._clip_norm
        scale = 1.0 if clip is None or norm <= clip else clip / norm
        learner.update(lr, scale, updates, skipped, absent)
        if clock.exact:
            learner.settle()
        clock.lap("update")
        clock.updates += 1
        self._in_a_row = 0
        return taken

    def _shares(
        self, samples: int, labelled: Mapping[str, int], updates: int
    ) -> dict[str, float] | None:
        """The factor on each counted loss in the update's micro-batches.

        A loss is the mean over its labelled samples in the whole update. Of several micro-batches
        with one head whose samples are counted once, the update divides by these at its end: None.
        """
        several = sum(len(wire.weights) for wire in self._wires.values()) > 1
        if not (several or self._balancing is not None or self._accumulate == 1):
            return None
        shares = {key: samples / max(1, count) for key, count in labelled.items()}
        if self._balancing is None:
            return shares
        weights = self._balancing.begin(updates, labelled)
        return {key: share * weights[self._head_of[key]] for key, share in shares.items()}

    def _labelled(self, batches: Sequence[Batch]) -> dict[str, int]:
        """What is counted -> samples that have labels for it."""
        return {
            key: sum(int(batch.labelled[key].sum()) for batch in batches) for key in self._head_of
        }

    def _absent(self, labelled: Mapping[str, int]) -> list[str]:
        """Of what is counted, that which is trained by labelled samples and has none."""
        return [key for key, count in labelled.items() if not count and key in self._weighed]

    def _refuse(self, error: TrainingDiverged, before: Any) -> None:
        """Raise the error, if the guard says so; else leave everything as it was `before`."""
        self._in_a_row += 1
        if self._guard.policy == "skip":
            self._learner.set_statistics(before)
        if self._guard.policy == "raise" or (
            self._guard.policy == "skip" and self._in_a_row > self._guard.limit
        ):
            self._learner.mend_statistics()
            raise error

    def _diverged(self, ids: Sequence[str], absent: Sequence[str]) -> TrainingDiverged:
        bad = self._learner.bad_gradients()
        heads = self._learner.heads_of(bad)
        shown = ", ".join(bad[:5]) + (f", ... ({len(bad)} parameters)" if len(bad) > 5 else "")
        samples = ", ".join(ids[:8]) + (f", ... ({len(ids)})" if len(ids) > 8 else "")
        where = f"head {', '.join(heads)}, " if heads else ""
        if heads and set(heads) <= set(absent):  # 0 times a derivative that is none
            return TrainingDiverged(
                "The gradient is not finite, and no sample of the update has labels for the "
                f"heads {', '.join(map(repr, heads))}: their losses have no derivative for the "
                "zeros that stand in",
                received=f"nan or infinity in {shown}",
                where=f"{where}samples {samples}",
                fix="give the dataset a method targets_of(index), so that labels of a sample that "
                "has them stand in from the first update; or a loss with a derivative at 0",
            )
        return TrainingDiverged(
            "The gradient is not finite, though the losses are",
            received=f"nan or infinity in {shown}" if bad else "squares that overflow",
            where=f"{where}samples {samples}",
            fix="lower the learning rate, lengthen the warm-up or clip (clip_norm=...); Guard says "
            "what else can be done",
        )
