"""Records of epochs, and checks that heads see labels and objects."""

from __future__ import annotations

from itertools import chain
from typing import Any

from densefit.checkpoint.training.session import Session
from densefit.engine.batch_reader import BatchReader
from densefit.evaluation.labels_seen import LabelCheck
from densefit.train.length import TrainingLength
from densefit.train.object_count_check import ObjectCheck
from densefit.train.ranks import Ranks


class EpochRecorder:
    """Write the history of a training, and check that heads see labels and objects.

    Args:
        session: the training.
        reader: reader of the training data.
        length: length of the training, which some data reveal only at the end of an epoch.
        ranks: the ranks of the training, whose metrics rank 0 has gathered.
    """

    def __init__(
        self, session: Session, reader: BatchReader, length: TrainingLength, ranks: Ranks
    ) -> None:
        self._ranks = ranks
        self._session, self._reader, self._length = session, reader, length
        self._objects = ObjectCheck()
        self._labels = LabelCheck(reader.adapters, reader.where)

    @property
    def is_open(self) -> bool:
        """Return whether an epoch was started but not recorded, because a process died."""
        state, epochs = self._session.state, self._session.history.epochs
        return state.batch > 0 and (not epochs or epochs[-1]["update"] != state.update)

    def begin_epoch(self) -> None:
        """Reset the epoch's metrics and counts, unless a resume continues in mid-epoch."""
        state = self._session.state
        if state.batch:
            return
        state.samples, state.objects = 0, {}
        if not state.pending:
            state.epoch_seconds = 0.0
        for metric in chain.from_iterable(self._session.metrics.values()):
            metric.reset()

    def check_labels(self) -> None:
        """Raise DataError if a head has not seen one labelled sample."""
        state = self._session.state
        self._labels.check(state.labelled, state.update)

    def end_updates(self, is_whole: bool) -> bool:
        """Record an epoch after its updates; returns whether every sample was seen by now.

        Args:
            is_whole: whether the epoch ran to its end.

        Raises:
            DataError: a head has seen no label or no object.
        """
        session, state = self._session, self._session.state
        record = self._record()
        has_all_samples = is_whole and not self._reader.is_sliced
        is_covered = has_all_samples and len(session.history.epochs) >= self._reader.covering
        if is_covered:
            self.check_labels()
        if has_all_samples:
            self._labels.warn_of_epoch(record["train"], state.epoch)
        if is_whole:
            about = f"epoch {state.epoch + 1}, {self._reader.where} data"
            self._objects.epoch(state.objects, state.all_objects, about)
            if session.balancer is not None:
                session.balancer.end_epoch()
            self._length.end_epoch()
            state.epoch, state.batch = state.epoch + 1, 0
        return is_covered

    def end_training(self) -> None:
        """Warn of heads without a label at the end of a short training."""
        state = self._session.state
        self._labels.warn_at_end(state.labelled, state.update)

    def _record(self) -> dict[str, Any]:
        """Add the epoch's record to the history."""
        state, history = self._session.state, self._session.history
        record: dict[str, Any] = {
            "epoch": state.epoch,
            "update": state.update,
            "lr": state.lr,
            "samples": state.samples,
            "train": self._ranks.from_first("training scores", state.train),
            "validation": {},
        }
        epochs = history.epochs
        if epochs and epochs[-1]["epoch"] == state.epoch:  # a partial record
            epochs.pop()
        epochs.append(record)
        history.update = state.update
        if state.frozen:
            record["frozen"] = len(state.frozen)
        if state.objects:
            record["objects"] = dict(state.objects)
        return record

    def add_validation(self) -> None:
        """Add the scores of a validation after the epoch's last update to its record."""
        state, epochs = self._session.state, self._session.history.epochs
        if epochs and epochs[-1]["update"] == state.validated:
            epochs[-1]["validation"] = dict(state.validation)

    def end_epoch(self) -> None:
        """Add the epoch's duration to its record."""
        state = self._session.state
        state.tick()
        self._session.history.epochs[-1]["seconds"] = state.epoch_seconds
        state.pending, state.epoch_seconds = "", 0.0
