"""The end of a run: score its best checkpoint and draw some predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from densefit import engine
from densefit.callbacks.jsonl import read_lines
from densefit.checkpoint.storage import store
from densefit.checkpoint.weights.load import load
from densefit.engine.finite import check_parameters
from densefit.evaluation.labelled_heads import labelled_heads
from densefit.evaluation.multi_scorer import MultiScorer, scorer_of_labelled
from densefit.metrics.core.unreadable import counts_text, without_counts
from densefit.tools.analysis.class_scores import class_scores
from densefit.tools.analysis.pass_metrics import pass_metrics
from densefit.tools.page.write import write_report
from densefit.tools.recipes.data.run_data import RunData, primary_numbers
from densefit.tools.recipes.run.progress import WithProgress
from densefit.tools.recipes.run.validation_thresholds import validation_thresholds
from densefit.tools.report.panels import write_panels
from densefit.tools.report.report import write_numbers, write_scores
from densefit.tools.report.stored_thresholds import FILE
from densefit.tools.report.table import by_head, print_scores
from densefit.tools.report.task_affinity import read_affinity, sentences
from densefit.train.gradient_conflict import conflict

_FILES = (
    *(
        "config.yaml",
        "environment.json",
        "scalars.jsonl",
        "curves.png",
        "curves",
        "train_batch.png",
    ),
    *(
        "cost.json",
        "conflict.json",
        "scores.json",
        "scored.json",
        "thresholds.json",
        "predictions.png",
    ),
    *("data_check.json", "report.html", "checkpoints/last", "checkpoints/best"),
)


def finish(
    out: Path,
    prepared: RunData,
    batches: int = 0,
    devices: Sequence[Any] = (),
    pictures: bool = True,
) -> dict[str, float]:
    """Score the best checkpoint on the test data and draw some of its predictions.

    scored.json describes the scored data; "primary" maps the primary score of each head to whether
    a high value is better. thresholds.json has the scores from which objects are drawn: those of
    the highest F1 on the validation data.

    Args:
        out: folder of the run.
        prepared: network and data of the training.
        batches: number of training batches for the cosine between the heads' gradients, written
            to conflict.json as "<head>~<head>" -> number; not measured for a single head.
        devices: devices that score; empty for the CPU.
        pictures: whether predictions.png, report.html and thresholds.json are written.

    Returns:
        The scores; for several datasets as "<dataset>/<head>/<number>".
    """
    checkpoints, test, split = out / "checkpoints", prepared.test, prepared.split
    chosen = checkpoints / ("best" if "best" in store.names(checkpoints) else "last")
    network = load(chosen)
    network.engine_name = prepared.network.engine_name
    chosen_devices = list(devices) or None
    affinity = read_affinity(read_lines(out / "scalars.jsonl"))
    for sentence in () if affinity is None else sentences(affinity):
        print(sentence)
    if batches and len(network.heads) > 1:
        write_numbers(out / "conflict.json", conflict(network, prepared.train, batches))
    (out / FILE).unlink(missing_ok=True)  # of a run that now continues
    if pictures:
        data = (prepared.validation, prepared.validation_split)
        stored = validation_thresholds(network, *data, devices)
        if stored.thresholds:
            stored.write(out)
    if test is None:
        if pictures:
            write_report(out, network, {}, {})
        print(f"wrote to {out}: {', '.join(written(out))}")
        return {}
    loaders = test if isinstance(test, Mapping) else {"": test}
    whole: dict[str, Any] = {"": split}
    splits: Mapping[str, Any] = split if isinstance(split, Mapping) else whole
    scores: dict[str, float] = {}
    by_dataset, unreadable = {}, {}
    passes: dict[str, Any] = {}
    for name, loader in loaders.items():
        metrics = pass_metrics(network)
        check_parameters(network)
        with WithProgress(loader, f"scoring {name}".rstrip()) as watched:
            if name:
                heads = labelled_heads(network, [head.name for head in network.heads], loader)
                several = MultiScorer(
                    engine.make(network, chosen_devices),
                    {name: watched},
                    heads,
                    {head: metrics[head] for head in heads if head in metrics},
                    nonfinite="raise",
                )
                scores.update(several.run() or {})
                metrics = dict(several.scorers[name].metrics)
                prefix = f"{name}/"
            else:
                scorer = scorer_of_labelled(
                    engine.make(network, chosen_devices),
                    watched,
                    "scoring",
                    nonfinite="raise",
                    metrics=metrics,
                )
                scores.update(scorer.run() or {})
                metrics = dict(scorer.metrics)
                prefix = ""
        passes[name] = (loader, metrics)
        dataset_scores = {
            key[len(prefix) :]: n for key, n in scores.items() if key.startswith(prefix)
        }
        unreadable[name] = loader.unreadable
        counts = counts_text(len(loader.dataset), loader.unreadable)
        title = f"{chosen} on {counts} of {splits[name]!r}"
        by_dataset[name] = (by_head(without_counts(dataset_scores)), title)
    samples = {name: len(loader.dataset) for name, loader in loaders.items()}
    primary: dict[str, bool] = {}
    for directions in primary_numbers(network, test).values():
        primary.update(directions)
    about: dict[str, Any] = {"checkpoint": str(chosen), "split": split}
    about["samples"] = samples if isinstance(test, Mapping) else samples[""]
    if any(unreadable.values()):
        about["unreadable"] = unreadable if isinstance(test, Mapping) else unreadable[""]
    write_scores(out, scores, {**about, "primary": primary})
    if pictures:
        write_panels(network, test, out / "predictions.png")
        write_report(out, network, passes, splits)
    for name, (numbers, title) in by_dataset.items():
        classes = {head: class_scores(passes[name][1][head], numbers[head]) for head in numbers}
        tables = {head: table for head, table in classes.items() if table is not None}
        print_scores(numbers, f"{title} of {name}" if name else title, classes=tables)
    print(f"wrote to {out}: {', '.join(written(out))}")
    return scores


def written(out: Path) -> list[str]:
    """Names of the files of a training that exist in its folder."""
    return [name for name in _FILES if (out / name).exists()]
