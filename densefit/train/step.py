"""One optimizer update over one or more micro-batches, checked before it is applied."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from densefit.checkpoint.training.session import Session
from densefit.data.batch import Batch
from densefit.distributed import World
from densefit.errors import TrainingDiverged
from densefit.evaluation.update_metrics import update_metrics
from densefit.model.heads.adapter import HeadAdapter
from densefit.train.balancing import Balancing
from densefit.train.nonfinite import Guard, gradient_diverged
from densefit.train.ranks import Ranks
from densefit.train.step_result import StepResult


class Step:
    """Makes an update of an update's micro-batches.

    Args:
        session: the training; its learner is bound for as many micro-batches.
        adapters: the heads by name.
        clip_norm: the largest norm of the gradient; a longer one is scaled down to it. None: any.
        guard: what happens when a loss or the gradient is not finite.
        balancing: combines the heads' losses.
        ranks: the ranks that make the update together; None for one.
        reseed: seeds what the engine draws at random in the update, before each further pass over
            the micro-batches; None if nothing is random.
    """

    def __init__(
        self,
        session: Session,
        adapters: Mapping[str, HeadAdapter],
        clip_norm: float | None = None,
        guard: Guard | None = None,
        balancing: Balancing | None = None,
        reseed: Callable[[], None] | None = None,
        ranks: Ranks | None = None,
    ) -> None:
        self._ranks = ranks or Ranks(World(), session)
        self._state, self._learner = session.state, session.learner
        self._metrics, self._adapters = session.metrics, adapters
        self._clip_norm, self._guard = clip_norm, guard or Guard()
        self._balancing, self._reseed = balancing, reseed
        measured = [adapter for adapter in adapters.values() if self._metrics[adapter.name]]
        self._outputs = [name for adapter in measured for name in adapter.outputs("train")]
        self._head_of = {
            key: name for name, adapter in adapters.items() for key in adapter.label_groups
        }
        # A user's Symbol trains every row, whatever a batch says of its labels.
        self._weighed = {key for adapter in adapters.values() for key in adapter.weights.values()}
        self._has_shares = sum(len(adapter.weights) for adapter in adapters.values()) > 1
        self._has_shares |= balancing is not None or self._state.accumulate == 1
        self._refused_in_a_row = 0

    def __call__(
        self,
        batches: Sequence[Batch],
        lr: float | None,
        while_computing: Callable[[], None] = lambda: None,
    ) -> StepResult:
        """Make one update.

        Args:
            batches: its micro-batches, at least one.
            lr: learning rate; None leaves it to the optimizer's own.
            while_computing: called while the device computes, to read the next batch.

        Raises:
            TrainingDiverged: a loss or the gradient is not finite, and the guard says so.
        """
        samples, labelled, objects = self._ranks.sum_samples(batches, self._head_of)
        # Names of counted losses that are trained by labelled samples and have none.
        absent = [key for key, count in labelled.items() if not count and key in self._weighed]
        self._learner.begin_update(absent)
        shares = self._shares(samples, labelled)
        is_skipping = self._guard.policy == "skip"
        statistics = self._learner.parameters.statistics() if is_skipping else None
        refused: TrainingDiverged | None = None
        for number, batch in enumerate(batches):
            reason = self._compute(batch, number == 0, shares, while_computing)
            refused = refused or reason
            if refused is not None and not self._ranks.is_shared:
                break  # the rest of a refused update is not computed, unless others wait for it
        if self._ranks.is_shared and self._learner.gradients.sum_ranks(refused is not None):
            refused = self._ranks.share_refusal(refused)
        norm = math.nan
        if refused is None:
            norm, refused = self._gradient_norm(batches, labelled, shares, absent)
        if refused is None:
            self._update(lr, norm, absent)
            if self._balancing is not None and shares is not None:
                with self._state.clock("forward"):
                    self._balancing.finish_applied(batches, labelled, shares, self._reseed)
        else:
            self._refuse(refused, statistics)
        return StepResult(
            samples=samples,
            labelled=labelled,
            gradient_norm=norm,
            refused=refused,
            position=batches[-1].position,
            counts=objects,
            loss_weights={} if self._balancing is None else self._balancing.used,
        )

    def _shares(self, samples: int, labelled: Mapping[str, int]) -> dict[str, float] | None:
        """The factor on each counted loss in the micro-batches of an update.

        A loss is the mean over its labelled samples in the whole update. Of several micro-batches
        with one head whose samples are counted once, the update divides by these at its end: None.
        """
        if not self._has_shares:
            return None
        shares = {key: samples / max(1, count) for key, count in labelled.items()}
        if self._balancing is None:
            return shares
        weights = self._balancing.begin(self._state.update, labelled)
        return {key: share * weights[self._head_of[key]] for key, share in shares.items()}

    def _compute(
        self,
        batch: Batch,
        is_first: bool,
        shares: Mapping[str, float] | None,
        while_computing: Callable[[], None],
    ) -> TrainingDiverged | None:
        """Forward and backward of a micro-batch, and its losses into the metrics."""
        learner, clock, balancing = self._learner, self._state.clock, self._balancing
        with clock("forward"):
            if balancing is not None and shares:
                balancing.compute(batch, is_first, shares, while_computing)
            else:
                learner.compute(batch, is_first, shares, while_computing)
            if not batch.real:
                return None
            # Sync point: waits for the forward pass; the backward runs on meanwhile.
            outputs = learner.outputs(self._outputs)
        with clock("metric"):
            try:
                update_metrics(self._metrics, self._adapters, "train", outputs, batch)
                if balancing is not None:
                    balancing.take_in(outputs, batch)
            except TrainingDiverged as error:
                return error
        return None

    def _gradient_norm(
        self,
        batches: Sequence[Batch],
        labelled: Mapping[str, int],
        shares: Mapping[str, float] | None,
        absent: Sequence[str],
    ) -> tuple[float, TrainingDiverged | None]:
        """The gradient's norm, nan if unknown, and why the update must not be applied, if so."""
        norm = math.nan
        with self._state.clock("backward"):
            try:
                if self._balancing is not None and shares is not None:
                    self._balancing.finish(batches, labelled, shares, self._reseed)
                # Sync point: waits for the backward pass.
                norm = self._learner.gradients.norm()
                if math.isfinite(norm):
                    return norm, None
                ids = [key for batch in batches for key in batch.ids]
                return norm, gradient_diverged(self._learner, ids, absent)
            except TrainingDiverged as error:
                return norm, error

    def _update(self, lr: float | None, norm: float, absent: Sequence[str]) -> None:
        """Apply the gradient, clipped."""
        state, clip = self._state, self._clip_norm
        scale = 1.0 if clip is None or norm <= clip else clip / norm
        # After a rollback, what was refused is no longer among the updates done.
        skipped = state.refused - state.rollbacks
        with state.clock("update"):
            self._learner.update(lr, scale, state.update, skipped, absent)
            if state.clock.exact:
                self._learner.settle()
        state.clock.updates += 1
        self._refused_in_a_row = 0

    def _refuse(self, error: TrainingDiverged, statistics: Any) -> None:
        """Raise the error, if the guard says so; else put the `statistics` of before back."""
        guard = self._guard
        self._refused_in_a_row += 1
        if guard.policy == "skip":
            self._learner.parameters.set_statistics(statistics)
        is_skipped = guard.policy == "skip" and self._refused_in_a_row <= guard.limit
        if not is_skipped and guard.policy != "rollback":
            self._learner.parameters.mend_statistics()
            raise error
