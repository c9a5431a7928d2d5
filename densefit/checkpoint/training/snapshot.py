"""The state of a training as arrays and JSON, and back."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from densefit.checkpoint.training.identity import (
    are_of_other_scores,
    check_order,
    check_same_heads,
    differences,
    told_apart,
)
from densefit.checkpoint.training.learned_weights import with_own_weights
from densefit.checkpoint.training.rng import rng_state, set_rng_state
from densefit.checkpoint.training.session import Session
from densefit.checkpoint.training.state_fields import check_state
from densefit.checkpoint.weights.class_names import names_of, saved_names, take_saved_names
from densefit.checkpoint.weights.parameters import parameters_of
from densefit.errors import CheckpointError, ConfigError, located
from densefit.metrics import Metric

logger = logging.getLogger(__name__)

_ALWAYS = ("batch_size", "accumulate", "updates_per_epoch")  # saved beside the identity, too


def snapshot(session: Session) -> tuple[dict[str, Any], dict[str, Any]]:
    """(arrays by part, the rest) of a training as it is now: copies, which nobody changes."""
    learner, state = session.learner, session.state
    network = learner.network
    model = {f"arg:{name}": value for name, value in network.parameters.items()}
    model.update({f"aux:{name}": value for name, value in network.statistics.items()})
    optimizer, counters = learner.optimizer_state()
    begun = bool(state.batch or state.pending)  # whether an epoch is under way
    content = {
        "network": learner.network.spec,
        "names": names_of(learner.network),
        "identity": dict(session.identity),
        "epoch": state.epoch,
        "batch": state.batch,
        "pending": state.pending,
        "position": state.position if state.batch else None,
        "batch_size": state.batch_size,
        "accumulate": state.accumulate,
        "samples": state.samples if begun else 0,
        "epoch_seconds": state.epoch_seconds if begun else 0.0,
        "metrics": metric_states(session.judges) if begun else {},
        "labelled": dict(state.labelled),
        "objects": dict(state.objects) if begun else {},
        "all_objects": dict(state.all_objects),
        "refused": state.refused,
        "rollbacks": state.rollbacks,
        "schedule": {} if session.rate is None else session.rate.state_dict(),
        "balance": {} if session.balancer is None else session.balancer.state_dict(),
        "lr": state.lr,
        "gradient_norm": state.gradient_norm,
        "loss_weights": dict(state.loss_weights),
        "update": state.update,
        "updates": state.updates,
        "updates_per_epoch": state.updates_per_epoch,
        "seconds": state.seconds,
        "validation": dict(state.validation),
        "validated": state.validated,
        "epochs": session.history.epochs,
        "optimizer": counters,
        "rng": rng_state(),
        "callbacks": [
            {"kind": type(callback).__name__, "state": callback.state_dict()}
            for callback in session.callbacks
        ],
    }
    parts = {"model": model, "optimizer": optimizer}
    if learner.parameters.are_averaged:  # "model" is what is scored and loaded, "training" goes on
        parts["training"] = learner.parameters.training_values()
    return parts, content


def restore(
    session: Session, path: Path, parts: Mapping[str, Any], content: Mapping[str, Any]
) -> set[str]:
    """Let the parts of a training become what they were; returns the names of what differs.

    Args:
        session: the training.
        path: of the checkpoint, to be named.
        parts: what `snapshot` gave when it was written.
        content: the same.

    Raises:
        CheckpointError: it is damaged, of a network with other heads or parameters, or of the
            middle of an epoch with other data.
    """
    learner, state, history = session.learner, session.state, session.history
    check_state(content, path)
    for part in ("model", "optimizer"):
        if part not in parts:
            raise CheckpointError(
                f"The checkpoint has no part {part!r}, without which a training cannot go on as it "
                "would have",
                received=", ".join(parts) or "no part",
                where=path,
                fix="begin a new training with its weights: df.load(path), or df.transfer, and fit "
                "without resume, into another directory",
            )
    # What older checkpoints do not tell of is not compared.
    saved = {**content.get("identity", {})}
    saved.update({name: content[name] for name in _ALWAYS if name in content})
    check_same_heads(saved, session.identity, path)
    take_saved_names(learner.network, saved_names(content), path)
    differing = differences(saved, session.identity, session.before)
    if content["batch"]:
        check_order(differing, path)
    counters = content["optimizer"]
    if "balance" in differing:
        parts, counters = with_own_weights(parts, counters, learner)
    weights = "training" if "training" in parts else "model"
    arg_params, aux_params = parameters_of(parts, weights, path, learner.network)
    learner.parameters.load(arg_params, aux_params, str(path))
    if learner.parameters.are_averaged and "training" in parts:
        parameters_of(parts, "model", path, learner.network)
        learner.parameters.load_averages(parts["model"])
    elif learner.parameters.are_averaged or "training" in parts:
        logger.warning(
            "%s holds %s: training goes on with its weights, %s",
            path,
            "averages" if "training" in parts else "no averages of weights",
            "and averages no more" if "training" in parts else "which begin the averages",
        )
    # What an older checkpoint does not tell may be other settings.
    is_other = {"optimizer", "optimizer_params"} & {*differing} or "optimizer_params" not in saved
    with located(str(path)):
        begins_anew = learner.load_optimizer_state(parts["optimizer"], counters, bool(is_other))
    set_rng_state(content["rng"])
    state.epoch, state.batch = content["epoch"], content["batch"]
    state.pending = content.get("pending", "")
    state.position = content.get("position")
    state.rollbacks = content.get("rollbacks", 0)
    state.update, state.seconds = content["update"], content["seconds"]
    if state.updates_per_epoch is None:  # it was learned after the first epoch, or is not yet
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
    load_metric_states(session.judges, content.get("metrics", {}))
    if session.rate is not None:
        session.rate.load_state_dict(content.get("schedule", {}))
    if session.balancer is not None and "balance" not in differing:
        session.balancer.load_state_dict(content.get("balance", {}))
    history.epochs = list(content["epochs"])
    history.last_validation = dict(content["validation"])
    history.update = content["update"]
    # By kind and order, so that a callback may be added or left out.
    entries = list(content["callbacks"])
    for callback in session.callbacks:
        for entry in entries:
            if entry["kind"] == type(callback).__name__:
                callback.load_state_dict(entry["state"])
                entries.remove(entry)
                break
    is_judged_anew = are_of_other_scores(differing) and content["validated"] >= 0
    if is_judged_anew:
        for judging in (session.rate, *session.callbacks):
            if judging is not None:
                judging.forget_scores()
    # Last: what is refused has not been told before.
    for name, (before, now) in differing.items():
        was, is_now = told_apart(before, now, name)
        logger.warning(
            "%s: the training goes on with another %s: %s, before %s", path, name, is_now, was
        )
    if begins_anew:
        logger.warning("%s: %s", path, begins_anew)
    if is_judged_anew:
        logger.warning(
            "%s: scores so far do not compare with those of another validation: what was the best "
            "until now is forgotten",
            path,
        )
    if "loss_weights" not in content and _lacks_labels(content):
        logger.warning(
            "%s was written by an earlier version, in which a head moved (by momentum, moments and "
            "weight decay) in updates without its labels, and CAGrad multiplied the gradient of a "
            "head that is alone in one. From here on it stands still, and has its plain gradient: "
            "with such updates the training goes on otherwise than it would have",
            path,
        )
    return {*differing}


def _lacks_labels(content: Mapping[str, Any]) -> bool:
    """Whether a head has had fewer labelled samples than the training has had samples."""
    epochs = [one for one in content["epochs"] if one["epoch"] < content["epoch"]]
    total = sum(one.get("samples", 0) for one in epochs) + content.get("samples", 0)
    return any(count < total for count in content.get("labelled", {}).values())


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
            else:
                logger.warning(
                    "The metric %s of the head %s cannot be stored: its number of this epoch is of "
                    "the batches behind the resume",
                    metric.name,
                    head,
                )
