"""The loop: forward, backward, update, metrics, callbacks, validation, save - top to bottom."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from densefit.callbacks.callback import Callback
from densefit.checkpoint.training.session import Session
from densefit.data.loader.object_counts import added
from densefit.engine.batch_reader import Feeder
from densefit.engine.prefetcher import Prefetcher
from densefit.errors import located
from densefit.evaluation.labels_seen import LabelCheck
from densefit.train.horizon import Horizon
from densefit.train.interval import Cadence
from densefit.train.lifecycle import Milestones
from densefit.train.nonfinite import Guard
from densefit.train.object_count_check import ObjectCheck
from densefit.train.setup import seed_mxnet
from densefit.train.signals import TrainingInterrupted
from densefit.train.step import Step

_log = logging.getLogger("densefit")


@dataclass
class Loop:
    """Trains a prepared session until its plan is fulfilled.

    Attributes:
        session: the training.
        feeder: of the training data.
        step: makes an update.
        optimizer: the one in use; its own rate counts where there is no schedule.
        guard: what happens when something is not finite.
        between: what falls between updates.
        validating: when to validate.
        saving: when to save.
        seed: of what MXNet draws at random.
        label_within: updates within which each head must have seen a label.
        horizon: lets everything know the length of the training.
    """

    session: Session
    feeder: Feeder
    step: Step
    optimizer: Any
    guard: Guard
    between: Milestones
    validating: Cadence
    saving: Cadence
    seed: int
    label_within: int
    horizon: Horizon

    def __post_init__(self) -> None:
        self.control, self.signals = self.between.control, self.between.signals
        self.own_rate = float(self.optimizer.lr or 0.0)  # where there is no schedule
        self.objects = ObjectCheck()
        self.labels = LabelCheck(self.feeder.wires, self.feeder.where)

    def run(self) -> None:
        """All epochs, from where the session stands; callbacks learn of the end, whatever it is."""
        session, state = self.session, self.session.state
        error: BaseException | None = None
        begun: list[Callback] = []
        try:
            with self.signals:
                for callback in session.callbacks:
                    begun.append(callback)
                    callback.fit_started(state, self.control)
                self._run()
            session.learner.check_finite()
            session.history.update = state.update
            session.history.stop_reason = self.control.stop_reason
        except BaseException as raised:
            error = raised
            self.between.abandon()
            raise
        finally:
            failed = self._told_of_the_end(begun, error)
            if failed and error is None:
                raise failed[0]
            for other in failed:
                _log.warning("While the training failed, its end failed too: %s", other)

    def _told_of_the_end(
        self, begun: Sequence[Callback], error: BaseException | None
    ) -> list[Exception]:
        """Let go of the network and tell all callbacks, whatever one of them raises."""
        failed: list[Exception] = []
        for end in (
            self.session.learner.release,
            *(partial(callback.fit_ended, self.session.state, error) for callback in begun),
        ):
            try:
                end()
            except Exception as other:
                failed.append(other)
        return failed

    def _run(self) -> None:
        state = self.session.state
        state.clock.exact = self.control.exact_times
        self.between.take_the_lead()
        while state.pending or self._open() or not self._finished():
            self.between.begin_epoch()
            if state.pending:  # a signal has ended the training in the midst of it
                self.control.validation_requested = True
            if state.pending == "epoch" or self._train():
                self._end_epoch()
        self._end()
        self.between.tell_written(wait=True)
        self.between.tell_end()
        if self.signals.received is not None:  # it came when all was done
            raise TrainingInterrupted(self.signals.received, self.between.newest)

    def _open(self) -> bool:
        """Whether an epoch is under way whose end was not reached: a process died before it."""
        state, epochs = self.session.state, self.session.history.epochs
        return state.batch > 0 and (not epochs or epochs[-1]["update"] != state.update)

    def _train(self) -> bool:
        """The updates of an epoch; False if the training went back to a checkpoint."""
        state, control = self.session.state, self.control
        if not state.batch:  # else a resume in mid-epoch, which passes over what was done
            state.samples, state.objects = 0, {}
            for metrics in self.session.judges.values():
                for metric in metrics:
                    metric.reset()
        seed_mxnet(self.seed, state.epoch)
        for callback in self.session.callbacks:
            callback.epoch_started(state, control)
        if state.pending:
            self._validate_and_save(state.update)
        # Whether the epoch runs to its end; a callback may stop it, and of a training that was
        # interrupted at its last update only the end is left.
        over = self._finished()
        whole = not over or 0 < state.batch == state.updates_per_epoch
        done = state.batch * state.accumulate
        where = state.position if state.batch else None
        rest = iter(()) if over else self.feeder.batches(state.epoch, done, where)
        updates = Prefetcher(
            rest,
            state.accumulate,
            None if state.updates is None else state.updates - state.update,
            getattr(self.feeder.iterator, "ready", None),
            state.clock,
            state.update + 1,
        )
        state.clock.start()
        for batches in updates:
            lr = self._rate()
            # After a rollback, what was refused is no longer among the updates done.
            skipped = state.refused - state.rollbacks
            with located(f"update {state.update + 1}"):
                taken = self.step(
                    batches, lr, state.update, self._reseed, skipped, updates.prefetch
                )
            if taken.refused is not None:
                state.refused += 1
                if self.guard.policy == "rollback":
                    state.rollbacks += 1
                    self.between.roll_back(taken.refused)
                    return False
            state.update += 1
            state.batch += 1
            state.samples += taken.samples
            state.position = taken.position
            known = state.labelled
            state.labelled = {n: known.get(n, 0) + more for n, more in taken.labelled.items()}
            if taken.counts:
                state.objects = added([state.objects, taken.counts])
                state.all_objects = added([state.all_objects, taken.counts])
            state.lr = self.optimizer.learning_rate if lr is None else lr
            state.gradient_norm, state.loss_weights = taken.gradient_norm, taken.loss_weights
            self.between.tick()
            for callback in self.session.callbacks:
                callback.update_ended(state, control)
            state.clock.lap("callback")
            self.between.tell_written()
            self.horizon.look()
            if state.update == self.label_within:
                self.labels.check(state.labelled, state.update)
            self._validate_and_save(state.update)
            if self.signals.received is not None:
                self.between.end_by_signal()
            if self._finished():  # not one batch is taken that is not trained on
                whole = state.batch == state.updates_per_epoch
                break

        for callback in self.session.callbacks:
            callback.epoch_ended(state, control)
        record: dict[str, Any] = {
            "epoch": state.epoch,
            "update": state.update,
            "lr": state.lr,
            "samples": state.samples,
            "train": state.train(),
            "validation": {},
        }
        epochs = self.session.history.epochs
        if epochs and epochs[-1]["epoch"] == state.epoch:  # as far as it came before it was stopped
            epochs.pop()
        epochs.append(record)
        self.session.history.update = state.update
        if state.objects:
            record["objects"] = dict(state.objects)
        covered = whole and not self.feeder.is_sliced and len(epochs) >= self.feeder.covering
        if covered:
            self.labels.check(state.labelled, state.update)
        if whole and not self.feeder.is_sliced:
            self.labels.tell_epoch(record["train"], state.epoch)
        if whole:
            about = f"epoch {state.epoch + 1}, {self.feeder.where} data"
            self.objects.epoch(state.objects, state.all_objects, about)
            if self.session.balancer is not None:
                self.session.balancer.end_epoch()
            self.horizon.end_epoch()
            state.epoch, state.batch = state.epoch + 1, 0
        if not covered and self._finished():
            self.labels.tell_end(state.labelled, state.update)
        self.between.tick()
        state.clock.lap("callback")
        return True

    def _end_epoch(self) -> None:
        """Validation and saving after an epoch's updates."""
        state, control = self.session.state, self.control
        state.pending = "epoch"
        record = self.session.history.epochs[-1]
        after = self.validating.after_epoch(state.epoch)
        if control.validation_requested or self._finished() or after:
            self.between.validate()
        if state.validated == state.update:
            record["validation"] = dict(state.validation)
        self.between.tick()
        record["seconds"] = state.epoch_seconds
        state.pending, state.epoch_seconds = "", 0.0
        if control.save_requested or self._finished() or self.saving.after_epoch(state.epoch):
            self.between.save()

    def _end(self) -> None:
        """Validate and save where the training ends at an update at which neither was due.

        A callback stopped it before an update or after a save; or what was planned is done already.
        """
        state, epochs = self.session.state, self.session.history.epochs
        before = state.validated
        self.between.validate()
        if epochs and epochs[-1]["update"] == state.validated:
            epochs[-1]["validation"] = dict(state.validation)
        if state.validated != before or not self.between.is_saved:
            self.between.save()

    def _validate_and_save(self, update: int) -> None:
        """What falls on an update in mid-epoch."""
        control = self.control
        if control.validation_requested or self.validating.after_update(update):
            self.session.state.pending = "validation"
            self.between.validate()
            self.session.state.pending = ""
        if control.save_requested or self.saving.after_update(update):
            self.between.save()

    def _reseed(self) -> None:
        """Let MXNet draw the random numbers of the next update."""
        state = self.session.state
        if self.session.learner.random:
            seed_mxnet(self.seed, state.epoch, state.batch + 1)

    def _rate(self) -> float | None:
        """The learning rate of the next update; None leaves it to the optimizer."""
        state, rate = self.session.state, self.session.rate
        eased = self.guard.eased(state.rollbacks)
        if rate is not None:
            return float(rate(state.update)) * eased
        return None if eased == 1.0 else self.own_rate * eased

    def _finished(self) -> bool:
        state = self.session.state
        planned, done = state.updates, state.update
        if state.epochs is not None:
            planned, done = state.epochs, state.epoch
        return done >= (planned or 0) or self.control.stop_reason is not None
