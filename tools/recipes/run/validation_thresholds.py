"""Drawing thresholds of a trained network, from a pass over the validation data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densefit import engine
from densefit.data.loader.loader import Loader
from densefit.evaluation.labelled_heads import labelled_heads
from densefit.evaluation.scorer import Scorer
from densefit.metrics.core.metric import Metric
from densefit.model.network import Network
from densefit.tools.recipes.data.run_data import ScoringData
from densefit.tools.recipes.run.progress import WithProgress
from densefit.tools.report.pictures import choose_thresholds, heads_to_choose_for
from densefit.tools.report.stored_thresholds import StoredThresholds

HeadMetrics = Mapping[str, Sequence[Metric]]


def validation_thresholds(
    network: Network,
    validation: ScoringData,
    split: str | Mapping[str, str] | None,
    devices: Sequence[Any] = (),
) -> StoredThresholds:
    """Set each head's drawing threshold to the score of the highest F1 on the validation data.

    Only the heads with a threshold that no recipe sets are computed; of several datasets with
    labels for a head, the objects of all count together.

    Args:
        network: network with parameters, whose heads are changed.
        validation: loaders of the validation data; None without.
        split: name of the validation split; for several datasets, by dataset.
        devices: devices that compute; empty for the CPU.
    """
    names = list(heads_to_choose_for(network))
    whole: dict[str, Any] = {"": validation}
    loaders: Mapping[str, Loader] = validation if isinstance(validation, Mapping) else whole
    if validation is None or not names:
        return StoredThresholds()
    merged: dict[str, list[Metric]] = {}
    scored: dict[str, Loader] = {}
    for name, loader in loaders.items():
        for head, metrics in _pass(network, names, loader, name, devices).items():
            scored[name] = loader
            if head in merged:
                for metric, further in zip(merged[head], metrics):
                    metric.merge(further)
            else:
                merged[head] = list(metrics)
    thresholds = choose_thresholds(network, merged)
    splits = split if isinstance(split, Mapping) else {"": split}
    text = ", ".join(f"{name}/{splits[name]}" if name else str(splits[name]) for name in scored)
    samples = sum(len(loader.dataset) - loader.unreadable for loader in scored.values())
    return StoredThresholds(thresholds, text, samples)


def _pass(
    network: Network, names: Sequence[str], loader: Loader, dataset: str, devices: Sequence[Any]
) -> HeadMetrics:
    """Metrics of the heads with labels in a dataset, after a pass over it."""
    heads = labelled_heads(network, names, loader)
    if not heads:
        return {}
    with WithProgress(loader, f"choosing thresholds {dataset}".rstrip()) as watched:
        learner = engine.make(network, list(devices) or None)
        scorer = Scorer(learner, watched, heads, nonfinite="raise", perhaps=heads)
        scorer.run()
    return {
        head: metrics for head, metrics in scorer.metrics.items() if head not in scorer.unlabelled
    }
