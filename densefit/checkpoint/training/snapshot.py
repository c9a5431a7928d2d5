"""State of a training as arrays and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densefit.checkpoint.training.rng import rng_state
from densefit.checkpoint.training.session import Session
from densefit.checkpoint.weights.class_names import names_of
from densefit.errors import ConfigError
from densefit.metrics import Metric


def snapshot(session: Session) -> tuple[dict[str, Any], dict[str, Any]]:
    """Copy the state of a training; returns (arrays by part, all else as JSON)."""
    learner, state = session.learner, session.state
    network = learner.network
    model = {f"arg:{name}": value for name, value in network.parameters.items()}
    model.update({f"aux:{name}": value for name, value in network.statistics.items()})
    optimizer, counters = learner.optimizer_state()
    in_epoch = bool(state.batch or state.pending)
    content = {
        "network": network.spec,
        "names": names_of(network),
        "identity": dict(session.identity),
        "epoch": state.epoch,
        "batch": state.batch,
        "pending": state.pending,
        "position": state.position if state.batch else None,
        "batch_size": state.batch_size,
        "accumulate": state.accumulate,
        "samples": state.samples if in_epoch else 0,
        "epoch_seconds": state.epoch_seconds if in_epoch else 0.0,
        "metrics": metric_states(session.metrics) if in_epoch else {},
        "labelled": dict(state.labelled),
        "objects": dict(state.objects) if in_epoch else {},
        "all_objects": dict(state.all_objects),
        "refused": state.refused,
        "rollbacks": state.rollbacks,
        "schedule": {} if session.rate is None else session.rate.state_dict(),
        "balance": {} if session.balancer is None else session.balancer.state_dict(),
        "lr": state.lr,
        "gradient_norm": state.gradient_norm,
        "loss_weights": dict(state.loss_weights),
        "affinity": dict(state.affinity),
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
    arrays = {} if session.balancer is None else session.balancer.state_arrays()
    if arrays:
        parts["balance"] = arrays
    if learner.parameters.are_averaged:  # "model" is scored and loaded, "training" is resumed
        parts["training"] = learner.parameters.training_values()
    return parts, content


def metric_states(metrics: Mapping[str, Sequence[Metric]]) -> dict[str, list[Any]]:
    """Return each head's metric states; None for a metric that cannot be stored (an MXNet one)."""
    return {
        head: [_state(metric) for metric in head_metrics] for head, head_metrics in metrics.items()
    }


def _state(metric: Metric) -> Any:
    try:
        return metric.state_dict()
    except ConfigError:
        return None
