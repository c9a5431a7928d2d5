"""What callbacks share that log a training with an experiment tracker."""

from __future__ import annotations

import logging
import math
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from densefit.callbacks.callback import Callback, Control, TrainState
from densefit.numeric import whole

_log = logging.getLogger("densefit")


class RunTracker(Callback):
    """Base of callbacks that log a training as a run of an experiment tracker.

    Logged are, over the updates, `optimizer/lr`, `optimizer/gradient_norm` and
    `train/<head>/<metric>` every few updates, `epoch/<head>/<metric>`, and
    `validation/<head>/<metric>`; undefined values are left out. A resumed training continues the
    run of its checkpoint, and logs no point twice. A training that fails marks its run as failed.
    A tracker that cannot be reached never ends a training: a warning says what is not logged.

    Args:
        every: updates between points of the training.
        params: settings of the training by dotted key.
        run_name: name of the run; by default the tracker's.

    Attributes:
        waits_for_results: whether the run stays open at the end of a training, for `log_results`.

    Raises:
        ConfigError: `every` is less than 1.
    """

    def __init__(
        self,
        every: int = 50,
        params: Mapping[str, Any] = MappingProxyType({}),
        run_name: str | None = None,
    ) -> None:
        self.every = whole(every, "every", 1, where=type(self).__name__)
        self.params, self.run_name = dict(params), run_name
        self.waits_for_results = False
        self._run: str | None = None  # id
        self._is_open = False
        self._update = 0
        self._last: dict[str, int] = {}  # name -> update of its last point
        self._has_warned = False

    @property
    def run_id(self) -> str | None:
        """Identifier of the run; None before the first update."""
        return self._run

    def reset(self) -> None:
        """Forget the run of an earlier training."""
        self._run, self._is_open, self._update, self._last = None, False, 0, {}
        self._has_warned = False

    def fit_started(self, state: TrainState, control: Control) -> None:
        """Begin a run, or continue the one of the checkpoint."""
        earlier = self._run if state.update > 0 else None
        self._run, self._update = earlier, state.update
        self._guard(lambda: self._begin(earlier))

    def _begin(self, earlier: str | None) -> None:
        self._run, self._last = self._open(earlier)
        self._is_open = True

    def update_ended(self, state: TrainState, control: Control) -> None:
        """Log points every few updates."""
        if state.update % self.every == 0:
            self._log(state.update, "train", state.train())
            numbers = {"lr": state.lr, "gradient_norm": state.gradient_norm}
            self._log(state.update, "optimizer", numbers)

    def epoch_ended(self, state: TrainState, control: Control) -> None:
        """Log the epoch's training metrics."""
        self._log(state.update, "epoch", state.train())

    def validated(self, state: TrainState, control: Control) -> None:
        """Log the scores."""
        self._log(state.update, "validation", state.validation)

    def fit_ended(self, state: TrainState, error: BaseException | None) -> None:
        """End the run, as failed if the training has."""
        self._update = state.update
        if error is not None or not self.waits_for_results:
            self.end(error)

    def log_results(self, scores: Mapping[str, float], files: Sequence[Path]) -> None:
        """Log the final scores and files of a training, and end the run.

        Args:
            scores: score by name, logged as `test/<name>`.
            files: pictures and pages; each is copied.
        """
        self._log(self._update, "test", scores)
        if self._is_open:
            self._guard(lambda: self._add_files(files))
        self.end(None)

    def end(self, error: BaseException | None) -> None:
        """End the run; nothing if it has ended."""
        if self._is_open:
            self._is_open = False
            self._guard(lambda: self._close(error))

    def state_dict(self) -> dict[str, Any]:
        """Return the run's identifier."""
        return {"run": self._run}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the run's identifier."""
        self._run = state.get("run")

    def _log(self, update: int, group: str, numbers: Mapping[str, Any]) -> None:
        """Log a point for each defined value whose curve has none at this update."""
        points = {}
        for key, number in numbers.items():
            name, value = self._name(f"{group}/{key}"), float(number)
            if not math.isnan(value) and self._last.get(name, -1) < update:
                points[name] = value
        if points and self._is_open:
            self._last.update(dict.fromkeys(points, update))
            self._guard(lambda: self._write(update, points))

    def _guard(self, action: Callable[[], None]) -> None:
        """Call the tracker; its first error is a warning, as the training is worth more."""
        try:
            action()
        except Exception as error:
            if not self._has_warned:
                self._has_warned = True
                _log.warning(
                    "%s: the training goes on, but is not logged there: %s: %s",
                    *(type(self).__name__, type(error).__name__, error),
                )

    @staticmethod
    def _name(key: str) -> str:
        """Name of a curve, of characters that the tracker allows."""
        return key

    @abstractmethod
    def _open(self, earlier: str | None) -> tuple[str, dict[str, int]]:
        """Begin a run, or continue an earlier one.

        Args:
            earlier: identifier of the run to continue; None for a new one.

        Returns:
            (identifier, name -> update of its last point).
        """

    @abstractmethod
    def _write(self, update: int, points: Mapping[str, float]) -> None:
        """Log values at an update."""

    @abstractmethod
    def _add_files(self, files: Collection[Path]) -> None:
        """Copy files into the run."""

    @abstractmethod
    def _close(self, error: BaseException | None) -> None:
        """End the run: as done, interrupted or failed."""
