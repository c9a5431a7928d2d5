"""Score a checkpoint on a split of its dataset, and show the worst samples."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from densefit import engine
from densefit.checkpoint.weights.load import load
from densefit.data.checks.sample import read_sample
from densefit.data.classes.class_matching import match_head
from densefit.data.sample import Dataset
from densefit.data.sample_id import sample_id
from densefit.data.subset import Subset
from densefit.distributed import world
from densefit.engine.finite import check_parameters
from densefit.errors import ConfigError
from densefit.evaluation.labelled_heads import labelled_heads
from densefit.evaluation.predict import predict
from densefit.evaluation.scorer import Scorer
from densefit.metrics.core.metric import Metric
from densefit.metrics.core.per_sample import PerSample
from densefit.metrics.core.unreadable import counts_text
from densefit.model.network import Network
from densefit.tools.recipes.checkpoint_dataset import CheckpointDataset
from densefit.tools.recipes.checkpoint_settings import CheckpointSettings, recipe_of, settings
from densefit.tools.recipes.data.split_dataset import make_dataset
from densefit.tools.recipes.out_folder import make_folder
from densefit.tools.recipes.program import program
from densefit.tools.recipes.progress import WithProgress
from densefit.tools.report.pictures import choose_thresholds, truth_and_prediction
from densefit.tools.report.report import report
from densefit.tools.report.stored_thresholds import stored_thresholds
from densefit.tools.report.worst import pictured, worst_samples


@dataclass
class Scoring(CheckpointSettings):
    __doc__ = f"""{str(CheckpointSettings.__doc__).rstrip()}
        split: split of the dataset; by default the recipe's test split, else its validation split.
        bootstrap: resamples of the dataset, e.g. 1000, for 95 % intervals of the scores.
        worst: number of worst samples to list and draw in --out.
        of: name of the dataset, for a checkpoint that was trained on several; --data.root is then
            its folder, by default as trained.
    """

    split: str | None = None
    bootstrap: int = 0
    worst: int = 12
    of: str | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    return program(lambda: run(*_settings(arguments)))


def _settings(arguments: Sequence[str] | None) -> tuple[Scoring, Path]:
    """Parse the settings; ConfigError for an exported model whose dataset nobody names."""
    text = "Score a checkpoint, or an exported model, exactly."
    chosen, checkpoint = settings(Scoring, text, arguments)
    words = sys.argv[1:] if arguments is None else arguments
    options = {word.partition("=")[0] for word in words}
    if recipe_of(checkpoint).keys() & {"data", "datasets"} or options & {"--data", "--config"}:
        return chosen, checkpoint
    if "--data.dataset" not in options:
        raise ConfigError(
            "The exported model does not say which data it was trained on",
            where=checkpoint,
            fix="--data.dataset NAME --data.root DIR --split SPLIT",
        )
    return chosen, checkpoint


def run(chosen: Scoring, checkpoint: Path) -> dict[str, float]:
    """Score every sample of the split once; print the scores, and write them if `out` is given."""
    if chosen.bootstrap < 0 or chosen.worst < 0:
        raise ConfigError(
            "bootstrap and worst are counts",
            expected="0 or more",
            received=f"{chosen.bootstrap} and {chosen.worst}",
        )
    if chosen.out is not None:
        make_folder(chosen.out)
    recipe = recipe_of(checkpoint)
    part = CheckpointDataset(recipe, chosen.of) if recipe.get("datasets") else None
    if part is not None:
        original_size = chosen.resize == "none"  # set on the command line: no recipe trains so
        resize = "none" if original_size else part.part.resize or chosen.resize
        chosen = replace(chosen, data=part.data(chosen.data), resize=resize)
    split = chosen.split or chosen.data.test or chosen.data.validation
    if split is None:
        raise ConfigError("The recipe names no split to score", fix="--split NAME")
    network = load(checkpoint)
    network.engine_name = chosen.engine or network.engine_name
    dataset = make_dataset(chosen.data, split)
    if part is not None:
        dataset = part.as_trained(dataset, network.heads)
    listed = chosen.worst if chosen.out is not None else 0
    loader = chosen.loader(dataset)
    metrics = head_metrics(network, each=listed > 0, states=chosen.bootstrap > 0)
    if part is not None:  # heads trained on the other datasets have no ground truth here
        names = labelled_heads(network, list(metrics), loader)
        metrics = {name: head_metrics_ for name, head_metrics_ in metrics.items() if name in names}
    with WithProgress(loader, "scoring") as watched:
        check_parameters(network)
        scorer = Scorer(
            engine.make(network, chosen.devices or None),
            watched,
            list(metrics),
            metrics=metrics,
            nonfinite="raise",
        )
        scores = scorer.run() or {}
    if not world().is_first:  # rank 0 has the metrics of all
        return scores
    if listed:
        choose_thresholds(network, scorer.metrics, stored_thresholds(checkpoint).thresholds)
    worst = Worst(network, dataset, chosen.loader, scorer.metrics, listed)
    return report(
        None if chosen.out is None else Path(chosen.out),
        scorer.metrics,
        f"{checkpoint} on {counts_text(len(dataset), scorer.unreadable)} of {split!r}",
        {
            "checkpoint": str(checkpoint),
            "dataset": chosen.data.dataset,
            "root": chosen.data.root,
            "split": split,
            "samples": len(dataset),
            **({"unreadable": scorer.unreadable} if scorer.unreadable else {}),
            "input_size": list(chosen.input_size),
            "resize": "windows" if chosen.windows else chosen.resize,
            "flip": chosen.flip,
            "scales": list(chosen.scales),
            "overlap": chosen.overlap if chosen.windows else None,
        },
        bootstrap=chosen.bootstrap,
        seed=chosen.seed,
        worst=listed,
        pictures={name: partial(worst.pictures, name) for name in scorer.metrics},
    )


def head_metrics(network: Network, each: bool, states: bool) -> dict[str, list[Metric]]:
    """Make the heads' metrics.

    Args:
        network: network with the heads.
        each: whether each sample is scored, too.
        states: whether the metrics keep states for resampling.
    """
    by_head: dict[str, list[Metric]] = {}
    for head in network.heads:
        metrics = head.metrics()
        by_head[head.name] = (
            [PerSample(metric, keep_states=states) for metric in metrics]
            if each or states
            else metrics
        )
    return by_head


class Worst:
    """Draw ground truth and prediction of each head's worst samples, which are predicted again.

    The worst samples are read and predicted when the first drawing is requested.

    Args:
        network: network with parameters.
        dataset: the scored dataset.
        loader: function that makes a loader of a subset, as for scoring.
        metrics: head -> metrics updated with the dataset.
        count: number of worst samples.
    """

    def __init__(
        self,
        network: Network,
        dataset: Dataset,
        loader: Callable[[Dataset], Any],
        metrics: Mapping[str, Sequence[Metric]],
        count: int,
    ) -> None:
        self._network, self._dataset, self._loader = network, dataset, loader
        self._heads = {head.name: head for head in network.heads}
        worst_by_score = [worst_samples(head_metrics, count) for head_metrics in metrics.values()]
        self._ids = {key for worst in worst_by_score if worst for key, _ in worst[pictured(worst)]}
        self._indices: dict[str, int] = {}
        self._predictions: dict[str, dict[str, Any]] = {}

    def pictures(self, name: str, key: str) -> list[np.ndarray]:
        """Draw ground truth and prediction of the head `name` for the sample `key`."""
        if not self._predictions:
            self._predict()
        head, sample = self._heads[name], read_sample(self._dataset, self._indices[key], [])
        prediction = self._predictions[key][name]
        targets = match_head(self._dataset, head)(sample.targets)
        return truth_and_prediction(head, sample.image, targets, prediction)

    def _predict(self) -> None:
        names = (sample_id(self._dataset, index) for index in range(len(self._dataset)))
        self._indices = {key: index for index, key in enumerate(names) if key in self._ids}
        loader = self._loader(Subset(self._dataset, list(self._indices.values())))
        self._predictions = dict(predict(self._network, loader))
        loader.close()
