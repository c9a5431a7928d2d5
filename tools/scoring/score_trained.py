"""Score a checkpoint on a split of its dataset, and show the worst samples."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from densefit import engine
from densefit.checkpoint.weights.load import load
from densefit.distributed import world
from densefit.engine.finite import check_parameters
from densefit.errors import ConfigError
from densefit.evaluation.labelled_heads import labelled_heads
from densefit.evaluation.scorer import Scorer
from densefit.metrics.core.metric import Metric
from densefit.metrics.core.per_sample import PerSample
from densefit.metrics.core.unreadable import counts_text
from densefit.model.network import Network
from densefit.tasks.classification.head import Classification
from densefit.tools.analysis.class_scores import class_scores
from densefit.tools.analysis.pass_metrics import SilentConfusion
from densefit.tools.recipes.checkpoint_settings import CheckpointSettings, recipe_of, settings
from densefit.tools.recipes.program import program
from densefit.tools.recipes.run.out_folder import make_folder
from densefit.tools.recipes.run.progress import WithProgress
from densefit.tools.report.pictures import choose_thresholds
from densefit.tools.report.report import report
from densefit.tools.report.stored_thresholds import stored_thresholds
from densefit.tools.scoring.pass_time import PassTime
from densefit.tools.scoring.scored_data import scored_data
from densefit.tools.scoring.worst_pictures import Worst


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
    network = load(checkpoint)
    network.engine_name = chosen.engine or network.engine_name
    data = scored_data(chosen, checkpoint, network)
    chosen, dataset, split = data.settings, data.dataset, data.split
    listed = chosen.worst if chosen.out is not None else 0
    loader = chosen.loader(dataset)
    metrics = head_metrics(network, each=listed > 0, states=chosen.bootstrap > 0)
    if data.part:  # heads trained on the other datasets have no ground truth here
        names = labelled_heads(network, list(metrics), loader)
        metrics = {name: head_metrics_ for name, head_metrics_ in metrics.items() if name in names}
    metrics = {name: with_confusions(network, name, metrics[name]) for name in metrics}
    if world().is_first:
        print(data, checkpoint, sep="\n", flush=True)
    with WithProgress(loader, "scoring") as watched:
        check_parameters(network)
        scorer = Scorer(
            engine.make(network, chosen.devices or None),
            watched,
            list(metrics),
            metrics=metrics,
            nonfinite="raise",
        )
        watched.clock = scorer.clock
        started = time.perf_counter()
        scores = scorer.run() or {}
        spent = PassTime.of(len(dataset), time.perf_counter() - started, scorer.clock)
    if not world().is_first:  # rank 0 has the metrics of all
        return scores
    if listed:
        choose_thresholds(network, scorer.metrics, stored_thresholds(checkpoint).thresholds)
    if scorer.unreadable:
        print(f"scored {counts_text(len(dataset), scorer.unreadable).rstrip(',')}")
    worst = Worst(network, dataset, chosen.loader, scorer.metrics, listed)
    scores = report(
        None if chosen.out is None else Path(chosen.out),
        scorer.metrics,
        "",
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
            "time": spent.values(),
        },
        bootstrap=chosen.bootstrap,
        seed=chosen.seed,
        worst=listed,
        pictures={name: partial(worst.pictures, name) for name in scorer.metrics},
        classes=lambda head, numbers: class_scores(scorer.metrics[head], numbers),
    )
    print(spent)
    return scores


def with_confusions(network: Network, name: str, metrics: list[Metric]) -> list[Metric]:
    """Metrics of a head, with a confusion matrix if it classifies images."""
    for head in network.heads:
        if head.name == name and isinstance(head, Classification):
            return [*metrics, SilentConfusion(head.classes)]
    return metrics


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
