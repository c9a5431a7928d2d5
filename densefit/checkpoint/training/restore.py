"""Restoring of a training's state from a checkpoint."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from densefit.callbacks.callback import TrainState
from densefit.checkpoint.training.identity import (
    are_of_other_scores,
    check_order,
    check_same_heads,
    differences,
    shown_difference,
)
from densefit.checkpoint.training.learned_weights import with_present_weights
from densefit.checkpoint.training.rng import set_rng_state
from densefit.checkpoint.training.session import Session
from densefit.checkpoint.training.state_fields import check_state
from densefit.checkpoint.weights.class_names import saved_names, take_saved_names
from densefit.checkpoint.weights.parameters import parameters_of
from densefit.engine.engine import Engine
from densefit.errors import CheckpointError, located
from densefit.metrics import Metric

logger = logging.getLogger(__name__)

_ALWAYS = ("batch_size", "accumulate", "updates_per_epoch")  # saved beside the identity, too


def restore(
    session: Session, path: Path, parts: Mapping[str, Any], content: Mapping[str, Any]
) -> set[str]:
    """Restore a training from a checkpoint; returns the names of the settings that differ.

    Args:
        session: the training.
        path: path of the checkpoint, named in errors.
        parts: arrays by part, as `snapshot` returned them.
        content: the JSON part of the state, as `snapshot` returned it.

    Raises:
        CheckpointError: the checkpoint is damaged, of a network with other heads or parameters, or
            from mid-epoch with other data.
    """
    learner, network = session.learner, session.learner.network
    check_state(content, path)
    _check_parts(parts, path)
    # Settings that an older checkpoint lacks are not compared.
    saved = {**content.get("identity", {})}
    saved.setdefault("engine", "mxnet")  # the only one of checkpoints that do not name it
    saved.update({name: content[name] for name in _ALWAYS if name in content})
    check_same_heads(saved, session.identity, path)
    take_saved_names(network, saved_names(content), path)
    differing = differences(saved, session.identity, session.before)
    if content["batch"]:
        check_order(differing, path)
    counters = content["optimizer"]
    if "balance" in differing:
        parts, counters = with_present_weights(parts, counters, learner)
    _load_weights(learner, parts, path)
    # An older checkpoint without these settings may have had other ones.
    is_other = {"optimizer", "optimizer_params"} & {*differing} or "optimizer_params" not in saved
    with located(str(path)):
        reset = learner.load_optimizer_state(parts["optimizer"], counters, bool(is_other))
    set_rng_state(content["rng"])
    _load_state(session.state, content)
    load_metric_states(session.metrics, content.get("metrics", {}))
    if session.rate is not None:
        session.rate.load_state_dict(content.get("schedule", {}))
    if session.balancer is not None and "balance" not in differing:
        session.balancer.load_state_dict(content.get("balance", {}))
        session.balancer.load_state_arrays(parts.get("balance", {}))
    history = session.history
    history.epochs, history.update = list(content["epochs"]), content["update"]
    history.last_validation = dict(content["validation"])
    _load_callbacks(session, content["callbacks"])
    compares_scores = content["validated"] < 0 or not are_of_other_scores(differing)
    if not compares_scores:
        for follower in (session.rate, *session.callbacks):
            if follower is not None:
                follower.forget_scores()
    # Last: a checkpoint that is refused logs no differences.
    _warn(path, differing, reset, compares_scores)
    if "loss_weights" not in content and _lacks_labels(content):
        logger.warning(
            "%s was written by an earlier version, in which a head moved (by momentum, moments and "
            "weight decay) in updates without its labels, and CAGrad multiplied the gradient of a "
            "head that is alone in one. From here on it stands still, and has its plain gradient: "
            "with such updates the training goes on otherwise than it would have",
            path,
        )
    return {*differing}


def _check_parts(parts: Mapping[str, Any], path: Path) -> None:
    """Raise CheckpointError for a checkpoint without parameters or optimizer."""
    for part in ("model", "optimizer"):
        if part not in parts:
            raise CheckpointError(
                f"The checkpoint has no part {part!r}, without which a training cannot go on as it "
                "would have",
                received=", ".join(parts) or "no part",
                where=path,
                fix="begin a new training with its weights: df.load(path), or df.surgery.transfer, "
                "and fit without resume, into another directory",
            )


def _load_weights(learner: Engine, parts: Mapping[str, Any], path: Path) -> None:
    """Load the weights in training, and their averages."""
    network, parameters = learner.network, learner.parameters
    has_averages = "training" in parts  # then "model" holds the averages
    loaded = parameters_of(parts, "training" if has_averages else "model", path, network)
    parameters.load(*loaded, str(path))
    if parameters.are_averaged and has_averages:
        parameters_of(parts, "model", path, network)
        parameters.load_averages(parts["model"])
    elif parameters.are_averaged or has_averages:
        logger.warning(
            "%s holds %s: training goes on with its weights, %s",
            path,
            "averages" if has_averages else "no averages of weights",
            "and averages no more" if has_averages else "which begin the averages",
        )


def _load_state(state: TrainState, content: Mapping[str, Any]) -> None:
    """Restore the progress of the training; older checkpoints lack some fields."""
    state.epoch, state.batch = content["epoch"], content["batch"]
    state.pending = content.get("pending", "")
    state.position = content.get("position")
    state.rollbacks = content.get("rollbacks", 0)
    state.update, state.seconds = content["update"], content["seconds"]
    if state.updates_per_epoch is None:  # unknown until the first epoch has ended
        state.updates_per_epoch = content.get("updates_per_epoch")
        if state.updates is None:
            state.updates = content.get("updates")
    state.validation, state.validated = content["validation"], content["validated"]
    state.samples, state.refused = content.get("samples", 0), content.get("refused", 0)
    state.labelled = dict(content.get("labelled", {}))
    state.objects = dict(content.get("objects", {}))
    state.all_objects = dict(content.get("all_objects", {}))
    state.epoch_seconds = content.get("epoch_seconds", 0.0)
    state.lr, state.gradient_norm = content.get("lr", 0.0), content.get("gradient_norm", 0.0)
    state.loss_weights = dict(content.get("loss_weights", {}))
    state.affinity = dict(content.get("affinity", {}))


def _load_callbacks(session: Session, saved: Sequence[Mapping[str, Any]]) -> None:
    """Load callback states by class name and order, so that callbacks may be added or removed."""
    entries = list(saved)
    for callback in session.callbacks:
        for entry in entries:
            if entry["kind"] == type(callback).__name__:
                callback.load_state_dict(entry["state"])
                entries.remove(entry)
                break


def _warn(
    path: Path, differing: Mapping[str, tuple[Any, Any]], reset: str, compares_scores: bool
) -> None:
    """Log the differences from the saved training.

    Args:
        path: path of the checkpoint.
        differing: name -> (saved, present) setting.
        reset: message about optimizer states that start from zero; empty for none.
        compares_scores: whether scores before and after the resume are comparable.
    """
    for name, (before, now) in differing.items():
        old, new = shown_difference(before, now, name)
        logger.warning(
            "%s: the training goes on with another %s: %s, before %s", path, name, new, old
        )
    if "engine" in differing:
        logger.warning(
            "%s: parameters, moments and averages go on exactly, but the engines round "
            "differently, and draw other random numbers (dropout, initial values)",
            path,
        )
    if reset:
        logger.warning("%s: %s", path, reset)
    if not compares_scores:
        logger.warning(
            "%s: scores so far do not compare with those of another validation: what was the best "
            "until now is forgotten",
            path,
        )


def _lacks_labels(content: Mapping[str, Any]) -> bool:
    """Return whether a head has had fewer labelled samples than the training has had samples."""
    epochs = [epoch for epoch in content["epochs"] if epoch["epoch"] < content["epoch"]]
    total = sum(epoch.get("samples", 0) for epoch in epochs) + content.get("samples", 0)
    return any(count < total for count in content.get("labelled", {}).values())


def load_metric_states(
    metrics: Mapping[str, Sequence[Metric]], states: Mapping[str, Sequence[Any]]
) -> None:
    """Restore metric states; metrics without a saved state, or of another type, start empty."""
    for head, head_metrics in metrics.items():
        stored = list(states.get(head, ()))
        for metric, state in zip(head_metrics, stored if len(stored) == len(head_metrics) else ()):
            metric.reset()
            if state is not None:
                metric.load_state_dict(state)
            else:
                logger.warning(
                    "The metric %s of the head %s cannot be stored: its number of this epoch is of "
                    "the batches behind the resume",
                    metric.name,
                    head,
                )
