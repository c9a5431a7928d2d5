"""The loop: forward, backward, update, metrics, callbacks, validation, save - top to bottom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from densefit.callbacks.callback import Callback, Control
from densefit.data.loader.object_counts import sum_counts
from densefit.errors import DensefitError
from densefit.train.checkpointer import Checkpointer
from densefit.train.ending import ending
from densefit.train.epoch_recorder import EpochRecorder
from densefit.train.length import TrainingLength
from densefit.train.ranks import Ranks
from densefit.train.remaining_updates import remaining_updates
from densefit.train.setup.binding import Binding
from densefit.train.setup.plan import Plan
from densefit.train.signals import Signals
from densefit.train.step_result import StepResult
from densefit.train.validator import Validator


@dataclass
class Loop:
    """Trains a planned training until its plan is fulfilled.

    Attributes:
        plan: the training.
        binding: binds the network again where other parameters begin to be trained.
        step: makes an update.
        reseed: seeds what the engine draws at random in the next update; None if nothing is.
        validator: scores the validation data.
        checkpointer: saves, and goes back to what was saved.
        recorder: writes the history.
        length: length of the training; for some data known only at the end of an epoch.
        control: what callbacks ask for.
        signals: SIGINT and SIGTERM.
        ranks: the processes that train together.
    """

    plan: Plan
    binding: Binding
    step: Callable[..., StepResult]
    reseed: Callable[[], None] | None
    validator: Validator
    checkpointer: Checkpointer
    recorder: EpochRecorder
    length: TrainingLength
    control: Control
    signals: Signals
    ranks: Ranks

    def __post_init__(self) -> None:
        self.session, self.state = self.plan.session, self.plan.session.state
        self.own_rate = self.session.learner.base_lr  # where there is no schedule

    def run(self) -> None:
        """Train all epochs, from where the session stands; callbacks learn of any end."""
        session, state, history = self.session, self.state, self.session.history
        begun: list[Callback] = []
        state.clock.elapsed()  # what was before is no time of the training
        with ending(session, begun, self.checkpointer.abandon):
            with self.signals:
                for callback in session.callbacks:
                    begun.append(callback)
                    callback.fit_started(state, self.control)
                self.ranks.share_requests("the start")
                self.train()
            self.ranks.mean_statistics()
            session.learner.parameters.check_finite()
            history.update, history.stop_reason = state.update, self.control.stop_reason

    def train(self) -> None:
        """Train epoch by epoch, then validate and save where the training ends."""
        state = self.state
        state.clock.exact = self.control.exact_times
        self.checkpointer.save_if_behind()
        while state.pending or self.recorder.is_open or not self._is_finished():
            if state.pending:  # a signal has ended the training in the midst of it
                self.control.validation_requested = True
            if state.pending == "epoch" or self.train_epoch():
                self.end_epoch()
        # Due if a callback stopped it before an update or after a save, or nothing was left to do.
        before = state.validated
        self.validator.validate()
        self.recorder.add_validation()
        if state.validated != before or not self.checkpointer.is_saved:
            self.checkpointer.save()
        self.checkpointer.finish()

    def train_epoch(self) -> bool:
        """Make an epoch's updates; False if the training went back to a checkpoint."""
        session, state, control = self.session, self.state, self.control
        self.recorder.begin_epoch()
        session.learner.seed(self.ranks.seed(self.plan.settings.seed), state.epoch)
        for callback in session.callbacks:
            callback.epoch_started(state, control)
        self.ranks.share_requests(f"the start of epoch {state.epoch + 1}")
        if state.pending:
            self._validate_and_save()
        # A callback may have stopped it; an interrupted training may have only its end left.
        is_finished = self._is_finished()
        is_whole = not is_finished or 0 < state.batch == state.updates_per_epoch
        updates = remaining_updates(self.plan.reader, state, self.reseed)
        for batches in () if is_finished else updates:
            lr = self._rate()
            try:
                if self.plan.settings.unfreeze is not None:
                    self.binding.follow()
                result = self.step(batches, lr, updates.prefetch)
            except DensefitError as error:
                raise error.located(f"update {state.update + 1}") from error
            if result.refused is not None:
                state.refused += 1
                if self.plan.settings.on_nonfinite.policy == "rollback":
                    state.rollbacks += 1
                    self.checkpointer.roll_back(result.refused)
                    return False
            with state.clock("callback"):
                self._count(result, lr)
                for callback in session.callbacks:
                    callback.update_ended(state, control)
            self._end_update()
            if self._is_finished():  # not one batch is taken that is not trained on
                is_whole = state.batch == state.updates_per_epoch
                break
        with state.clock("callback"):
            self.ranks.gather_metrics()
            for callback in session.callbacks:
                callback.epoch_ended(state, control)
            self.ranks.share_requests(f"the end of epoch {state.epoch + 1}")
            is_covered = self.recorder.end_updates(is_whole)
        if not is_covered and self._is_finished():
            self.recorder.end_training()
        return True

    def end_epoch(self) -> None:
        """Validate and save after an epoch's updates."""
        state, control = self.state, self.control
        state.pending = "epoch"
        is_due = self.plan.validating.after_epoch(state.epoch) or self._is_finished()
        if is_due or control.validation_requested:
            self.validator.validate()
        self.recorder.add_validation()
        self.recorder.end_epoch()
        is_asked = control.save_requested or self._is_finished()
        if is_asked or self.plan.saving.after_epoch(state.epoch):
            self.checkpointer.save()

    def _count(self, result: StepResult, lr: float | None) -> None:
        """Bring the state up to date with an update."""
        state = self.state
        state.update, state.batch = state.update + 1, state.batch + 1
        state.samples, state.position = state.samples + result.samples, result.position
        state.labelled = {n: state.labelled.get(n, 0) + k for n, k in result.labelled.items()}
        if result.counts:
            state.objects = sum_counts([state.objects, result.counts])
            state.all_objects = sum_counts([state.all_objects, result.counts])
        state.lr = self.session.learner.lr if lr is None else lr
        state.gradient_norm, state.loss_weights = result.gradient_norm, result.loss_weights
        state.tick()

    def _end_update(self) -> None:
        """Check, validate and save what falls on an update; end the training on a signal."""
        state = self.state
        if not self.checkpointer.is_announced:
            self.checkpointer.announce()
        self.ranks.share_requests(f"the end of update {state.update}")
        if state.updates_per_epoch is None:
            self.length.warn_if_endless()
        if state.update == self.plan.settings.label_within:
            self.recorder.check_labels()
        self._validate_and_save()
        if self.ranks.signal is not None:
            self.checkpointer.interrupt()

    def _validate_and_save(self) -> None:
        """Do what falls on an update in mid-epoch."""
        state, control, plan = self.state, self.control, self.plan
        is_due = plan.validating.updates and plan.validating.after_update(state.update)
        if is_due or control.validation_requested:
            state.pending = "validation"
            self.validator.validate()
            state.pending = ""
        is_due = plan.saving.updates and plan.saving.after_update(state.update)
        if is_due or control.save_requested:
            self.checkpointer.save()

    def _rate(self) -> float | None:
        """The learning rate of the next update; None leaves it to the optimizer."""
        state, rate = self.state, self.session.rate
        eased = self.plan.settings.on_nonfinite.eased(state.rollbacks) if state.rollbacks else 1.0
        if rate is not None:
            return float(rate(state.update)) * eased
        return None if eased == 1.0 else self.own_rate * eased

    def _is_finished(self) -> bool:
        return self.state.is_done or self.control.stop_reason is not None
