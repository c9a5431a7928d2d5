"""Update the heads' metrics with a batch, and compute all scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densefit.errors import ConfigError, DensefitError
from densefit.metrics import Metric
from densefit.model.heads.adapter import HeadAdapter


def update_metrics(
    metrics: Mapping[str, Sequence[Metric]],
    adapters: Mapping[str, HeadAdapter],
    mode: str,
    outputs: Mapping[str, Any],
    batch: Any,
) -> set[str]:
    """Update the metrics of each head with a batch.

    Args:
        metrics: head -> metrics.
        adapters: adapters of the heads by name.
        mode: "train" or "evaluate".
        outputs: short name -> array, of the heads with metrics.
        batch: the batch that the outputs were computed from.

    Returns:
        The heads with labelled samples in the batch.

    Raises:
        DensefitError: an error of a metric, with the head's name.
    """
    # All heads are read before any metric is updated: a diverged head refuses the whole batch.
    pairs = {name: adapters[name].read(mode, outputs, batch) for name in metrics if metrics[name]}
    labelled = {name for name, (_, _, ids) in pairs.items() if ids}
    for name in (name for name in pairs if name in labelled):
        update_head_metrics(metrics[name], name, *pairs[name])
    return labelled


def update_head_metrics(
    metrics: Sequence[Metric], head: str, predictions: Any, targets: Any, ids: Sequence[str]
) -> None:
    """Update the metrics of one head; their errors name it."""
    for metric in metrics:
        try:
            metric.update(predictions, targets, ids)
        except DensefitError as error:
            raise error.located(f"head {head}, metric {type(metric).__name__}") from error


def compute_metrics(metrics: Mapping[str, Sequence[Metric]]) -> dict[str, float]:
    """Compute all heads' metrics into one flat dict, "<head>/<key>" -> value.

    Raises:
        ConfigError: two metrics of a head have a score of the same name.
    """
    values: dict[str, float] = {}
    for head, head_metrics in metrics.items():
        for metric in head_metrics:
            for key, value in metric.compute().items():
                name = f"{head}/{key}"
                if name in values:
                    raise ConfigError(
                        f"Two metrics of the head {head!r} are called {key!r}",
                        where=type(metric).__name__,
                    )
                values[name] = value
    return values
