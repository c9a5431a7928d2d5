"""Score the checkpoint of a run again, for an analysis."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from densefit import engine
from densefit.checkpoint.weights.load import load
from densefit.engine.finite import check_parameters
from densefit.evaluation.multi_scorer import scorer_of_labelled
from densefit.model.network import Network
from densefit.tools.analysis.pass_metrics import pass_metrics
from densefit.tools.recipes.checkpoint_dataset import CheckpointDataset
from densefit.tools.recipes.checkpoint_settings import recipe_of
from densefit.tools.recipes.data.loaders import Input, score_loader
from densefit.tools.recipes.data.split_dataset import make_dataset
from densefit.tools.recipes.recipe import Data
from densefit.tools.recipes.run.progress import WithProgress
from densefit.tools.report.pictures import choose_thresholds
from densefit.tools.report.stored_thresholds import stored_thresholds
from densefit.tools.scoring.scored_split import scored_split


@dataclass
class _Input:
    """Settings of the network's input."""

    input_size: tuple[int, int]
    resize: str
    score_batch_size: int


class Rescored(Input, Protocol):
    """Settings of a score pass."""

    split: str | None
    engine: str | None
    devices: list[str]
    data: Data


def rescore(chosen: Rescored, checkpoint: Path) -> tuple[Network, dict[str, Any], dict[str, str]]:
    """Score a checkpoint on a split of its data, or of each of its datasets.

    Args:
        chosen: settings, with those of the recipe; by default its test split is scored, else its
            validation split.
        checkpoint: path of the checkpoint.

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
        part_split, _ = scored_split(chosen.split, data)
        dataset = make_dataset(data, part_split)
        if part is not None:
            dataset = part.as_trained(dataset, network.heads)
        resize = (part.part.resize if part is not None else None) or chosen.resize
        settings = _Input(chosen.input_size, resize, chosen.score_batch_size)
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
        choose_thresholds(network, metrics, stored_thresholds(checkpoint).thresholds)
        passes[name], splits[name] = (loader, metrics), part_split
    return network, passes, splits
