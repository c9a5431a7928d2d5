"""The state of a training into a checkpoint and back: what `fit` calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from densefit.checkpoint import store
from densefit.checkpoint.policy import Keep
from densefit.checkpoint.state import rng_state, set_rng_state
from densefit.duration import Duration, DurationLike
from densefit.errors import CheckpointError


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

    def save(self, learner: Any, state: Any, history: Any, callbacks: Sequence[Any]) -> Path:
        """Write everything that a resume needs; returns the checkpoint's path."""
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
        path = store.write(self.directory, name, {"model": model, "optimizer": optimizer}, content)
        self.keep.apply(self.directory)
        return path

    def resume(
        self, what: str | Path, learner: Any, state: Any, history: Any, callbacks: Sequence[Any]
    ) -> Path | None:
        """Continue from a checkpoint, if `what` names one; returns its path.

        Raises:
            CheckpointError: it is damaged, or of another network.
        """
        path = store.resolve(what, self.directory)
        if path is None:
            return None
        parts, content = store.read(path)
        arg_params, aux_params = split_model(parts["model"])
        if content["batch"] and content.get("batch_size", state.batch_size) != state.batch_size:
            raise CheckpointError(
                "The checkpoint is of the middle of an epoch with another batch size",
                expected=f"batch size {content['batch_size']}",
                received=f"batch size {state.batch_size}",
                where=path,
                fix="continue with that batch size, or from a checkpoint of an epoch's end",
            )
        learner.load_params(arg_params, aux_params, str(path))
        learner.load_optimizer_state(parts["optimizer"], content["optimizer"])
        set_rng_state(content["rng"])
        state.epoch, state.batch = content["epoch"], content["batch"]
        state.update, state.seconds = content["update"], content["seconds"]
        state.validation, state.validated = content["validation"], content["validated"]
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
