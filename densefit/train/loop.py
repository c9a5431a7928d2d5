"""The loop: forward, backward, update, metrics, callbacks, validation, save - top to bottom."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from densefit.callbacks.callback import Callback, Control
from densefit.checkpoint import store
from densefit.checkpoint.saver import Saver
from densefit.checkpoint.session import Session
from densefit.errors import DataError, TrainingDiverged, located
from densefit.metrics.derived import Derived, with_derived
from densefit.score import Scorer
from densefit.score_many import MixtureScorer
from densefit.train.cadence import Cadence
from densefit.train.feed import Feeder
from densefit.train.guard import Guard
from densefit.train.signals import Signals, TrainingInterrupted
from densefit.train.start import seed_mxnet
from densefit.train.step import Step


@dataclass
class Loop:
    """Trains a prepared session until its plan is fulfilled.

    Attributes:
        session: the training.
        feeder: of the training data.
        step: makes an update.
        optimizer: the one in use; its own rate counts where there is no schedule.
        guard: what happens when something is not finite.
        scorer: of the validation; None for none.
        derived: numbers made of its scores, by name.
        validating: when to validate.
        saver: of checkpoints; None for none.
        saving: when to save.
        seed: of what MXNet draws at random.
        label_within: updates within which each head must have seen a label.
    """

    session: Session
    feeder: Feeder
    step: Step
    optimizer: Any
    guard: Guard
    scorer: Scorer | MixtureScorer | None
    derived: Mapping[str, Derived]
    validating: Cadence
    saver: Saver | None
    saving: Cadence
    seed: int
    label_within: int

    def __post_init__(self) -> None:
        self.control, self.signals = Control(), Signals()
        self._started = time.perf_counter() - self.session.state.seconds
        self._epoch_started = 0.0

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
            if self.saver is not None:
                self.saver.abandon()
            raise
        finally:
            try:
                session.learner.release()
            finally:
                for callback in begun:
                    callback.fit_ended(state, error)

    def _run(self) -> None:
        state = self.session.state
        state.clock.exact = self.control.exact_times
        while state.pending == "epoch" or not self._finished():
            self._epoch_started = time.perf_counter() - state.epoch_seconds
            if state.pending:  # a signal has ended the training in the midst of it
                self.control.validation_requested = True
            if state.pending == "epoch" or self._train():
                self._end_epoch()
        self._tell_written(wait=True)

    def _train(self) -> bool:
        """The updates of an epoch; False if the training went back to a checkpoint."""
        state, control = self.session.state, self.control
        if not state.batch:  # else a resume in mid-epoch, which passes over what was done
            state.samples = 0
            for metrics in self.session.judges.values():
                for metric in metrics:
                    metric.reset()
        seed_mxnet(self.seed, state.epoch)
        for callback in self.session.callbacks:
            callback.epoch_started(state, control)
        if state.pending:
            self._validate_and_save(state.update)
        whole = not self._finished()  # whether the epoch runs to its end; a callback may stop it
        done = state.batch * state.accumulate
        batches = self.feeder.batches(state.epoch, done) if whole else iter(())
        state.clock.start()
        while True:
            rate = self.session.rate
            lr = None if rate is None else rate(state.update) * self.guard.eased(state.refused)
            with located(f"update {state.update + 1}"):
                taken = self.step(batches, lr, state.update, self._reseed)
            if taken is None:
                break
            if taken.refused is not None:
                state.refused += 1
                if self.guard.policy == "rollback":
                    self._roll_back(taken.refused)
                    return False
            state.update += 1
            state.batch += 1
            state.samples += taken.samples
            known = state.labelled
            state.labelled = {n: known.get(n, 0) + more for n, more in taken.labelled.items()}
            state.lr = self.optimizer.learning_rate if lr is None else lr
            state.gradient_norm = taken.gradient_norm
            self._tick()
            for callback in self.session.callbacks:
                callback.update_ended(state, control)
            state.clock.lap("callback")
            self._tell_written()
            if state.update == self.label_within:
                self._check_labelled()
            self._validate_and_save(state.update)
            if self.signals.received is not None:
                self._end_by_signal()
            if self._finished():  # not one batch is read that is not trained on
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
        self.session.history.epochs.append(record)
        self.session.history.update = state.update
        if whole:
            self._check_labelled()
            if self.session.balancer is not None:
                self.session.balancer.end_epoch()
            state.epoch, state.batch = state.epoch + 1, 0
        self._tick()
        state.clock.lap("callback")
        return True

    def _end_epoch(self) -> None:
        """Validation and saving after an epoch's updates."""
        state, control = self.session.state, self.control
        state.pending = "epoch"
        record = self.session.history.epochs[-1]
        after = self.validating.after_epoch(state.epoch)
        if control.validation_requested or self._finished() or after:
            self._validate()
        if state.validated == state.update:
            record["validation"] = dict(state.validation)
        self._tick()
        record["seconds"] = state.epoch_seconds
        state.pending, state.epoch_seconds = "", 0.0
        if control.save_requested or self._finished() or self.saving.after_epoch(state.epoch):
            self._save()

    def _validate_and_save(self, update: int) -> None:
        """What falls on an update in mid-epoch."""
        control = self.control
        if control.validation_requested or self.validating.after_update(update):
            self.session.state.pending = "validation"
            self._validate()
            self.session.state.pending = ""
        if control.save_requested or self.saving.after_update(update):
            self._save()

    def _validate(self) -> None:
        state, control = self.session.state, self.control
        control.validation_requested = False
        if self.scorer is None or state.validated == state.update:
            return
        state.clock.start()
        self.session.learner.check_finite()
        scores = self.scorer.run(lambda: self.signals.received is not None)
        self._tick()
        state.clock.lap("validation")
        if scores is None:
            self._end_by_signal()
            return
        scores = with_derived(scores, self.derived)
        state.validation = self.session.history.last_validation = scores
        state.validated = state.update
        if self.session.rate is not None:
            self.session.rate.observe(scores)
        for callback in self.session.callbacks:
            callback.validated(state, control)
        state.clock.lap("callback")

    def _save(self) -> str | None:
        state = self.session.state
        self.control.save_requested = False
        if self.saver is None:
            return None
        self._tell_written(wait=True)
        state.clock.start()
        self.session.learner.check_finite()  # the last good checkpoint stays
        self._tick()
        path = str(self.saver.save(self.session))
        state.clock.lap("checkpoint")
        self._tell_written()
        return path

    def _tell_written(self, wait: bool = False) -> None:
        """Tell callbacks of a checkpoint once it is complete."""
        state = self.session.state
        path = None if self.saver is None else self.saver.written(wait)
        if path is None:
            return
        state.clock.lap("checkpoint")
        for callback in self.session.callbacks:
            callback.saved(state, self.control, str(path))
        state.clock.lap("callback")

    def _end_by_signal(self) -> None:
        path = self._save()
        self._tell_written(wait=True)
        raise TrainingInterrupted(self.signals.received or 0, path)

    def _roll_back(self, error: TrainingDiverged) -> None:
        state, saver = self.session.state, self.saver
        if saver is None or state.refused > self.guard.limit:
            raise error
        self._tell_written(wait=True)
        if not store.names(saver.directory):
            raise error
        refused = state.refused
        saver.resume("auto", self.session)
        state.refused = refused
        for callback in self.session.callbacks:
            callback.rolled_back(state, self.control)

    def _check_labelled(self) -> None:
        """Raise DataError if a head has never seen a label."""
        for name, count in self.session.state.labelled.items():
            if count == 0:
                raise DataError(
                    f"The head {name!r} has not seen one labelled sample: it is not trained",
                    expected="samples with the targets that the head declares",
                    received=f"none in {self.session.state.update} updates",
                    where=f"head {name}, {self.feeder.where} data",
                    fix="let the dataset give them (see its settings, e.g. masks=True), mix in one "
                    "that does, or leave the head out",
                )

    def _reseed(self) -> None:
        """Let MXNet draw the random numbers of the next update."""
        state = self.session.state
        if self.session.learner.random:
            seed_mxnet(self.seed, state.epoch, state.batch + 1)

    def _finished(self) -> bool:
        state = self.session.state
        planned, done = state.updates, state.update
        if state.epochs is not None:
            planned, done = state.epochs, state.epoch
        return done >= (planned or 0) or self.control.stop_reason is not None

    def _tick(self) -> None:
        now = time.perf_counter()
        state = self.session.state
        state.seconds, state.epoch_seconds = now - self._started, now - self._epoch_started
