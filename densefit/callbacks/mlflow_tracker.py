"""Log a training with MLflow, in an SQLite file."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from densefit.callbacks.callback import callbacks
from densefit.callbacks.run_tracker import RunTracker
from densefit.errors import ConfigError

_LONGEST = 6000  # characters of a parameter
_PARAMS, _METRICS = 100, 1000  # of a call
_Item = TypeVar("_Item")


@callbacks.register("mlflow")
class MLflow(RunTracker):
    """Log a training as a run of MLflow, for `mlflow ui --backend-store-uri sqlite:///FILE`.

    The store is an SQLite file `mlflow.db` with the folder `artifacts` beside it; nothing leaves
    the machine. `RunTracker` says what is logged. A parameter that a resume changes keeps its
    first value, and the tag `resumed.<key>` has the new one.

    Args:
        directory: folder of the store.
        every: updates between points of the training.
        experiment: name of the experiment.
        params: settings of the training by dotted key.
        run_name: name of the run.
        uri: another store, e.g. http://localhost:5000, with its own artifacts.

    Raises:
        ConfigError: mlflow is not installed, or `every` is less than 1.
    """

    def __init__(
        self,
        directory: str | Path,
        every: int = 50,
        experiment: str = "densefit",
        params: Mapping[str, Any] = MappingProxyType({}),
        run_name: str | None = None,
        uri: str | None = None,
    ) -> None:
        super().__init__(every, params, run_name)
        _client_class()
        self.directory, self.experiment, self.uri = Path(directory), experiment, uri
        self._client: Any = None

    @staticmethod
    def _name(key: str) -> str:
        """
        >>> MLflow._name("validation/boxes/AP/traffic light (red)")
        'validation/boxes/AP/traffic light _red_'
        """
        return re.sub(r"[^\w\-. :/]", "_", key, flags=re.ASCII)

    def _open(self, earlier: str | None) -> tuple[str, dict[str, int]]:
        if self.uri is None:
            self.directory.mkdir(parents=True, exist_ok=True)
        folder = self.directory.resolve()
        self._client = _client_class()(self.uri or f"sqlite:///{folder / 'mlflow.db'}")
        run = None if earlier is None else self._earlier(earlier)
        if run is None:
            experiment = self._client.get_experiment_by_name(self.experiment)
            if experiment is None:
                files = None if self.uri else (folder / "artifacts").as_uri()
                number = self._client.create_experiment(self.experiment, artifact_location=files)
            else:
                number = experiment.experiment_id
            run = self._client.create_run(number, run_name=self.run_name)
        else:
            self._client.update_run(run.info.run_id, status="RUNNING")
        self._set_params(run)
        last = {
            name: max(
                point.step for point in self._client.get_metric_history(run.info.run_id, name)
            )
            for name in run.data.metrics
        }
        return run.info.run_id, last

    def _earlier(self, run: str) -> Any:
        """The run of a checkpoint; None if the store does not have it."""
        try:
            return self._client.get_run(run)
        except Exception:  # MLflow's errors have no class of a missing run
            return None

    def _set_params(self, run: Any) -> None:
        from mlflow.entities import Param, RunTag

        texts = {self._name(key): str(value)[:_LONGEST] for key, value in self.params.items()}
        before = run.data.params
        new = [Param(key, text) for key, text in texts.items() if key not in before]
        for params in _parts(new, _PARAMS):
            self._client.log_batch(run.info.run_id, params=params)
        changed = [
            RunTag(f"resumed.{key}", text)
            for key, text in texts.items()
            if before.get(key, text) != text
        ]
        for tags in _parts(changed, _PARAMS):
            self._client.log_batch(run.info.run_id, tags=tags)

    def _write(self, update: int, points: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        metrics = [Metric(name, value, now, update) for name, value in points.items()]
        for part in _parts(metrics, _METRICS):
            self._client.log_batch(self._run, metrics=part)

    def _add_files(self, files: Collection[Path]) -> None:
        for path in files:
            self._client.log_artifact(self._run, str(path))

    def _close(self, error: BaseException | None) -> None:
        status = "FINISHED" if error is None else "FAILED"
        status = "KILLED" if isinstance(error, KeyboardInterrupt) else status
        self._client.set_terminated(self._run, status)


def _parts(items: Sequence[_Item], most: int) -> Iterator[Sequence[_Item]]:
    """Cut a list into parts of at most `most`."""
    return (items[start : start + most] for start in range(0, len(items), most))


def _client_class() -> Any:
    """Import MLflow's client, without its messages of tables and without its telemetry."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    try:
        import sqlalchemy  # noqa: F401  # which MLflow imports when the store is opened
        from mlflow.tracking import MlflowClient
    except ImportError as error:
        raise ConfigError(
            "A log of MLflow needs packages that are not installed",
            received=str(error),
            fix="pip install densefit[mlflow]",
        ) from error
    return MlflowClient
