"""Metrics of a training: on training batches and on the validation data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from densefit.callbacks.callback import TrainState
from densefit.engine.engine import Engine
from densefit.engine.model_input import ModelInput, batches_of
from densefit.errors import ConfigError
from densefit.evaluation.multi_scorer import MultiScorer, scorer_of_labelled
from densefit.evaluation.scorer import Scorer
from densefit.evaluation.update_metrics import compute_metrics
from densefit.metrics import Metric
from densefit.metrics.core.derived import Derived, check_derived, derived_directions
from densefit.metrics.core.direction import Directions
from densefit.model.heads.adapter import HeadAdapter
from densefit.train.distillation.teachers import Teachers
from densefit.train.setup.settings import Settings
from densefit.train.validation_losses import ValidationLosses


def training_metrics(
    state: TrainState, adapters: Mapping[str, HeadAdapter]
) -> dict[str, list[Metric]]:
    """Return the heads' training metrics; `state.train` computes them, with the loss weights."""
    metrics: dict[str, list[Metric]] = {
        name: adapter.metrics("train") for name, adapter in adapters.items()
    }
    compute_metrics(metrics)  # raises if names clash

    def numbers() -> dict[str, float]:
        if not state.samples:
            return {}
        weights = {f"{head}/loss_weight": weight for head, weight in state.loss_weights.items()}
        return {**compute_metrics(metrics), **weights, **state.affinity}

    state.train = numbers
    return metrics


def scorer_of(
    learner: Engine, validation: Any, adapters: Mapping[str, HeadAdapter]
) -> Scorer | MultiScorer | None:
    """Return the scorer of the validation data, one iterator or several by name; None for none."""
    if validation is None:
        return None
    if isinstance(validation, Mapping):
        return MultiScorer(learner, validation, where="validation", adapters=adapters)
    return scorer_of_labelled(learner, validation, "validation", adapters)


def losses_of(
    learner: Engine,
    settings: Settings,
    model: ModelInput,
    adapters: Mapping[str, HeadAdapter],
    teachers: Teachers | None,
) -> ValidationLosses | None:
    """Return what computes losses on validation data; None without such data.

    Raises:
        ConfigError: there are no validation data to score.
    """
    if settings.validation_losses is None:
        return None
    if settings.validation is None:
        raise ConfigError(
            "Validation losses come with a validation, and there is none",
            where="validation_losses",
            fix="fit(..., validation=...)",
        )
    data = batches_of(settings.validation_losses, model, "validation_losses")
    losses = ValidationLosses(learner, data, adapters)
    if teachers is not None:
        teachers.serve(losses.reader)
    return losses


def directions_of(
    scorer: Scorer | MultiScorer | None, derived: Mapping[str, Derived]
) -> Directions:
    """Return the directions of all validation scores: name -> whether higher is better."""
    if scorer is None:
        check_derived(derived, {})
        return Directions({})
    directions = Directions(scorer.directions, scorer.unscored)
    check_derived(derived, scorer.directions)
    directions.update(derived_directions(derived))
    return directions


def main_scores_of(scorer: Scorer | MultiScorer | None, best: str | None) -> list[str]:
    """Return the scores that reports show first, without repetition.

    Args:
        scorer: scorer of the validation data; None for none.
        best: score that selects the best checkpoint; None for none.

    Returns:
        `best`, then the primary score of each head, on each of several datasets.
    """
    names = [] if best is None else [best]
    if scorer is not None:
        names += [
            f"{dataset}/{head}/{metrics[0].primary}" if dataset else f"{head}/{metrics[0].primary}"
            for dataset, part in scorer.scorers.items()
            for head, metrics in part.metrics.items()
            if metrics
        ]
    return list(dict.fromkeys(names))
