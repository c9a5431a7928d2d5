"""Callback interface: a callback reads the training state and makes requests through a Control."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from densefit.callbacks.clock import Clock
from densefit.registry import Registry


@dataclass
class TrainState:
    """State of a training. Callbacks read it; only `fit` writes it.

    Attributes:
        network: the Network in training; `network.parameters` are up to date at any moment.
        epoch: number of the current epoch, from 0; the next epoch after `epoch_ended`.
        update: optimizer updates since training began, over resumes too; skipped ones count.
        batch: updates done in this epoch.
        epochs, updates, updates_per_epoch: planned numbers; None if unknown.
        batch_size: rows of a full batch; an update takes `accumulate` of them.
        accumulate: micro-batches per update.
        pending: unfinished work: "validation" in mid-epoch, "epoch" at its end, or "".
        samples: real samples (no padding) trained on in this epoch.
        labelled: head -> samples with labels for it, since training began.
        objects: counts of objects in this epoch, see `densefit.data.loader.object_counts`;
            empty if no head learns objects.
        all_objects: the same since training began.
        lr: the learning rate of the last update.
        gradient_norm: norm of the last update's gradient, before clipping.
        loss_weights: head -> factor of `balance` on its loss in the last update.
        affinity: what heads do for each other, as `task_affinity` measured it last, see
            `AffinityMeter.measure`; empty if it does not.
        lessons: what heads learn from teachers, a line for each head, see `fit(distill=...)`.
        frozen: names of the parameters that `freeze` keeps from being trained at present.
        position: position in the epoch's order of samples, if the loader has one.
        refused: number of updates that were not applied, as a loss or gradient was not finite.
        rollbacks: number of rollbacks to a checkpoint for the same reason.
        epoch_seconds: wall seconds of this epoch, over resumes too.
        train: returns this epoch's training metrics so far, a flat dict `head/metric` -> float.
            A call reads from the device: use it for reports, not at each update.
        validation: the last validation's scores, empty before the first.
        directions: validation score -> whether higher is better (None: not declared).
        main_scores: names of the validation scores that a report shows first: the score that
            selects the best checkpoint, then the primary score of each head.
        losses_seconds: seconds that the last validation took for `validation_losses`.
        validated: `update` at the last validation, -1 before the first.
        seconds: wall seconds of training, validation and saving, over resumes too.
        clock: wall seconds of this process by phase.
        resumed: path of the checkpoint that this process resumed, "" for a new training.
        device_memory: reads the (free, total) bytes of each GPU by its number.
    """

    network: Any
    epoch: int = 0
    update: int = 0
    batch: int = 0
    epochs: int | None = None
    updates: int | None = None
    updates_per_epoch: int | None = None
    batch_size: int = 0
    accumulate: int = 1
    pending: str = ""
    samples: int = 0
    labelled: Mapping[str, int] = field(default_factory=dict)
    objects: Mapping[str, int] = field(default_factory=dict)
    all_objects: Mapping[str, int] = field(default_factory=dict)
    lr: float = 0.0
    gradient_norm: float = 0.0
    loss_weights: Mapping[str, float] = field(default_factory=dict)
    affinity: Mapping[str, float] = field(default_factory=dict)
    lessons: Sequence[str] = ()
    frozen: Sequence[str] = ()
    position: int | None = None
    refused: int = 0
    rollbacks: int = 0
    epoch_seconds: float = 0.0
    train: Callable[[], dict[str, float]] = dict
    validation: Mapping[str, float] = field(default_factory=dict)
    directions: Mapping[str, bool | None] = field(default_factory=dict)
    main_scores: Sequence[str] = ()
    losses_seconds: float = 0.0
    validated: int = -1
    seconds: float = 0.0
    clock: Clock = field(default_factory=Clock)
    resumed: str = ""
    device_memory: Callable[[], Mapping[int, tuple[int, int]]] = dict

    @property
    def is_done(self) -> bool:
        """Whether the planned epochs or updates are done."""
        if self.epochs is not None:
            return self.epoch >= self.epochs
        return self.update >= (self.updates or 0)

    def tick(self) -> None:
        """Update `seconds` and `epoch_seconds`; `fit` calls it before callbacks."""
        elapsed = self.clock.elapsed()
        self.seconds += elapsed
        self.epoch_seconds += elapsed


class Control:
    """Requests of callbacks to the loop."""

    def __init__(self) -> None:
        self.stop_reason: str | None = None
        self.save_requested = False
        self.validation_requested = False
        self.exact_times = False

    def stop(self, reason: str) -> None:
        """End training after this update; in `fit_started` and `epoch_started` before the next.

        The network is then validated and saved as usual, unless both were done at this update.
        """
        self.stop_reason = reason

    def save_now(self) -> None:
        """Write a checkpoint after this update."""
        self.save_requested = True

    def time_exactly(self) -> None:
        """Let each phase of `TrainState.clock` wait for the device, from `fit_started` on."""
        self.exact_times = True

    def validate_now(self) -> None:
        """Score the validation data after this update."""
        self.validation_requested = True


class Callback:
    """Base class of callbacks, which run in list order; every method is optional.

    An object may serve several trainings, one after the other: `reset` forgets the last one.
    State that must survive a resume goes through `state_dict` / `load_state_dict`, which is called
    after `reset`.

    Attributes:
        every_rank: whether it runs on every rank of a launched training, rather than on rank 0
            alone. What callbacks of any rank request is done by all.
    """

    every_rank: bool = False

    def reset(self) -> None:
        """Forget an earlier training; called before `load_state_dict` and `fit_started`."""

    def fit_started(self, state: TrainState, control: Control) -> None:
        """Run before the first update, after a resume."""

    def epoch_started(self, state: TrainState, control: Control) -> None:
        """Run before an epoch's first batch; after a resume in mid-epoch, before the next batch."""

    def update_ended(self, state: TrainState, control: Control) -> None:
        """Run after every optimizer update, including skipped ones (`nonfinite="skip"`)."""

    def epoch_ended(self, state: TrainState, control: Control) -> None:
        """Run after the last update of an epoch or of the training, before validation."""

    def validated(self, state: TrainState, control: Control) -> None:
        """Run after each validation; `state.validation` holds its scores."""

    def saved(self, state: TrainState, control: Control, path: str) -> None:
        """Run once a checkpoint is complete at `path`."""

    def rolled_back(self, state: TrainState, control: Control) -> None:
        """Run after a rollback to a checkpoint, as a loss or gradient was not finite."""

    def fit_ended(self, state: TrainState, error: BaseException | None) -> None:
        """Run last, if `fit_started` was called; also when training failed with `error`."""

    def state_dict(self) -> dict[str, Any]:
        """Return the JSON-able state that a resume needs."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state that `state_dict` returned."""

    def forget_scores(self) -> None:
        """Forget earlier scores, as the validation data have changed at a resume."""


callbacks: Registry[Callback] = Registry("callback")
