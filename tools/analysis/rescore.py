"""Score the checkpoint of a run again, for an analysis."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from densefit import engine
from densefit.checkpoint.weights.load import load
from densefit.engine.finite import check_parameters
from densefit.errors import ConfigError
from densefit.evaluation.multi_scorer import scorer_of_labelled
from densefit.model.network import Network
from densefit.tools.analysis.pass_metrics import pass_metrics
from densefit.tools.recipes.checkpoint_dataset import CheckpointDataset
from densefit.tools.recipes.checkpoint_settings import CheckpointSettings, recipe_of
from densefit.tools.recipes.data.loaders import score_loader
from densefit.tools.recipes.data.split_dataset import make_dataset
from densefit.tools.recipes.progress import WithProgress
from densefit.tools.report.pictures import choose_thresholds


def rescore(
    chosen: CheckpointSettings, checkpoint: Path, split: str | None
) -> tuple[Network, dict[str, Any], dict[str, str]]:
    """Score a checkpoint on a split of its data, or of each of its datasets.

    Args:
        chosen: settings, with those of the recipe.
        checkpoint: path of the checkpoint.
        split: name of the split; by default the recipe's test split, else its validation split.

    Returns:
        (network, dataset -> (loader, head -> metrics), dataset -> split).

    Raises:
        ConfigError: the recipe names no split to score.
    """
    recipe = recipe_of(checkpoint)
    names = list(recipe["datasets"]) if recipe.get("datasets") else [""]
    network = load(checkpoint)
    network.engine_name = chosen.engine or network.engine_name
    check_parameters(network)
    passes: dict[str, Any] = {}
    splits = {}
    for name in names:
        part = CheckpointDataset(recipe, name) if name else None
        data = chosen.data if part is None else part.data(chosen.data)
        part_split = split or data.test or data.validation
        if part_split is None:
            raise ConfigError("The recipe names no split to score", fix="--split NAME")
        dataset = make_dataset(data, part_split)
        if part is not None:
            dataset = part.as_trained(dataset, network.heads)
        resize = (part.part.resize if part is not None else None) or chosen.resize
        settings = replace(chosen, data=data, resize=resize)
        loader = score_loader(settings, dataset, data)
        with WithProgress(loader, f"scoring {name}".rstrip()) as watched:
            scorer = scorer_of_labelled(
                engine.make(network, chosen.devices or None),
                watched,
                "scoring",
                nonfinite="raise",
                metrics=pass_metrics(network),
            )
            scorer.run()
        metrics = {head: ms for head, ms in scorer.metrics.items() if head not in scorer.unlabelled}
        choose_thresholds(network, metrics)
        passes[name], splits[name] = (loader, metrics), part_split
    return network, passes, splits
