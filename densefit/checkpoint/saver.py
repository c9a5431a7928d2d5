"""The state of a training into a checkpoint and back: what `fit` calls."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from densefit.checkpoint import store
from densefit.checkpoint.policy import Keep
from densefit.checkpoint.state import rng_state, set_rng_state
from densefit.duration import Duration, DurationLike
from densefit.errors import CheckpointError, ConfigError
from densefit.metrics import Metric

logger = logging.getLogger(__name__)


class Saver:
    """Writes checkpoints of a training into one directory, and finds them again.

    Args:
        directory: of this training's checkpoints.
        every: cadence: "5ep", "500st"...; the end of training is always saved.
        keep: which of them stay.
        extra: JSON-able; kept in every checkpoint (a recipe, say).
    """

    def __init__(
        self,
        directory: str | Path,
        every: DurationLike = "1ep",
        keep: Keep | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        self.directory = Path(directory)
        self.every = Duration.parse(every, where="every")
        self.keep = keep or Keep()
        self.extra = dict(extra or {})

    def save(
        self,
        learner: Any,
        state: Any,
        history: Any,
        callbacks: Sequence[Any],
        judges: Mapping[str, Sequence[Metric]] | None = None,
        rate: Any = None,
    ) -> Path:
        """Write everything that a resume needs; returns the checkpoint's path.

        Args:
            learner: of the training, as are the others.
            state: where it stands.
            history: its numbers so far.
            callbacks: in list order.
            judges: head -> its training metrics, of the epoch so far.
            rate: the resolved schedule, if there is one.
        """
        arg_params, aux_params = learner.network.get_params()
        model = {f"arg:{name}": value.asnumpy() for name, value in arg_params.items()}
        model.update({f"aux:{name}": value.asnumpy() for name, value in aux_params.items()})
        optimizer, counters = learner.optimizer_state()
        fresh = state.validated == state.update
        name = self.keep.record(state.update, state.validation if fresh else {})
        content = {
            "keep": self.keep.state_dict(),
            "network": learner.network.spec,
            "epoch": state.epoch,
            "batch": state.batch,
            "batch_size": state.batch_size,
            "accumulate": state.accumulate,
            "samples": state.samples if state.batch else 0,
            "epoch_seconds": state.epoch_seconds if state.batch else 0.0,
            "metrics": metric_states(judges or {}) if state.batch else {},
            "refused": state.refused,
            "schedule": {} if rate is None else rate.state_dict(),
            "lr": state.lr,
            "gradient_norm": state.gradient_norm,
            "update": state.update,
            "seconds": state.seconds,
            "validation": dict(state.validation),
            "validated": state.validated,
            "epochs": history.epochs,
            "optimizer": counters,
            "rng": rng_state(),
            "callbacks": [
                {"kind": type(callback).__name__, "state": callback.state_dict()}
                for callback in callbacks
            ],
            "extra": self.extra,
        }
        parts = {"model": model, "optimizer": optimizer}
        if learner.averaged:  # "model" is what is scored and loaded, "training" goes on
            parts["training"] = learner.training_params()
        path = store.write(self.directory, name, parts, content)
        self.keep.apply(self.directory)
        return path

    def resume(
        self,
        what: str | Path,
        learner: Any,
        state: Any,
        history: Any,
        callbacks: Sequence[Any],
        judges: Mapping[str, Sequence[Metric]] | None = None,
        rate: Any = None,
    ) -> Path | None:
        """Continue from a checkpoint, if `what` names one; returns its path.

        Args:
            what: "auto", "none" or a path.
            learner: as in `save`, as are the others; they become what they were.
            state: where the training stands.
            history: its numbers so far.
            callbacks: in list order.
            judges: head -> its training metrics.
            rate: the resolved schedule, if there is one.

        Raises:
            CheckpointError: it is damaged, or of another network.
        """
        path = store.resolve(what, self.directory)
        if path is None:
            return None
        parts, content = store.read(path)
        arg_params, aux_params = split_model(parts.get("training", parts["model"]))
        for setting in ("batch_size", "accumulate") if content["batch"] else ():
            own = getattr(state, setting)
            if content.get(setting, own) != own:
                raise CheckpointError(
                    f"The checkpoint is of the middle of an epoch with another {setting}",
                    expected=f"{setting} {content[setting]}",
                    received=f"{setting} {own}",
                    where=path,
                    fix="continue with that one, or from a checkpoint of an epoch's end",
                )
        learner.load_params(arg_params, aux_params, str(path))
        if learner.averaged and "training" in parts:
            learner.load_averages(parts["model"])
        elif learner.averaged or "training" in parts:
            logger.warning(
                "%s holds %s: training goes on with its weights, %s",
                path,
                "averages" if "training" in parts else "no averages of weights",
                "and averages no more" if "training" in parts else "which begin the averages",
            )
        learner.load_optimizer_state(parts["optimizer"], content["optimizer"])
        set_rng_state(content["rng"])
        state.epoch, state.batch = content["epoch"], content["batch"]
        state.update, state.seconds = content["update"], content["seconds"]
        state.validation, state.validated = content["validation"], content["validated"]
        state.samples, state.refused = content.get("samples", 0), content.get("refused", 0)
        state.epoch_seconds = content.get("epoch_seconds", 0.0)
        state.lr, state.gradient_norm = content.get("lr", 0.0), content.get("gradient_norm", 0.0)
        load_metric_states(judges or {}, content.get("metrics", {}))
        if rate is not None:
            rate.load_state_dict(content.get("schedule", {}))
        history.epochs = list(content["epochs"])
        history.last_validation = dict(content["validation"])
        history.update = content["update"]
        if path.resolve().parent == self.directory.resolve():
            self.keep.load_state_dict(content["keep"])
            if self.keep.records and self.keep.records[-1].name in store.names(self.directory):
                self.keep.apply(self.directory)  # finishes what a crash interrupted
        # By kind and order, so that a callback may be added or left out.
        saved = list(content["callbacks"])
        for callback in callbacks:
            for entry in saved:
                if entry["kind"] == type(callback).__name__:
                    callback.load_state_dict(entry["state"])
                    saved.remove(entry)
                    break
        return path


def metric_states(judges: Mapping[str, Sequence[Metric]]) -> dict[str, list[Any]]:
    """What each head's metrics have seen; None for one that cannot tell (an MXNet metric)."""

    def told(metric: Metric) -> Any:
        try:
            return metric.state_dict()
        except ConfigError:
            return None

    return {head: [told(metric) for metric in metrics] for head, metrics in judges.items()}


def load_metric_states(
    judges: Mapping[str, Sequence[Metric]], states: Mapping[str, Sequence[Any]]
) -> None:
    """Let metrics continue; those that were not told of, or are others now, begin anew."""
    for head, metrics in judges.items():
        stored = list(states.get(head, ()))
        for metric, state in zip(metrics, stored if len(stored) == len(metrics) else ()):
            metric.reset()
            if state is not None:
                metric.load_state_dict(state)


def check_unmixed(directory: Path, resume: str | Path) -> None:
    """A new training does not mix its checkpoints with those of another one.

    Args:
        directory: for the training's checkpoints.
        resume: what the training continues from, see `fit`.

    Raises:
        CheckpointError: it continues nothing, and the directory holds checkpoints.
    """
    if str(resume) == "none" and store.names(directory):
        raise CheckpointError(
            "The directory holds the checkpoints of a training already",
            received=", ".join(sorted(store.names(directory))),
            where=directory,
            fix='resume="auto" (--resume auto) continues it; choose another directory for a new '
            "training, or remove this one",
        )


def split_model(arrays: Mapping[str, np.ndarray]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The (arg, aux) parameters of a checkpoint's "model" part.

    Raises:
        CheckpointError: a name is neither.
    """
    found: dict[str, dict[str, Any]] = {"arg": {}, "aux": {}}
    for key, value in arrays.items():
        kind, _, name = key.partition(":")
        if kind not in found:
            raise CheckpointError("A parameter is neither arg: nor aux:", received=key)
        found[kind][name] = value
    return found["arg"], found["aux"]
