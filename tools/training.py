"""A training from a recipe: run folder, fit, final score, curves and pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from densefit.callbacks import Curves, JSONLines, ProfileLine, Progress
from densefit.checkpoint import store
from densefit.checkpoint.load import load
from densefit.checkpoint.policy import Keep
from densefit.checkpoint.saver import Saver, check_unmixed
from densefit.config import parse
from densefit.data.loader import Loader
from densefit.errors import ConfigError
from densefit.model.network import Network
from densefit.score import score
from densefit.train.fit import fit

from .init_from import begin_from
from .pictures import write_predictions
from .program import program
from .progress import Watched
from .recipe import (
    Recipe,
    make_callbacks,
    make_dataset,
    make_groups,
    make_network,
    make_schedule,
    score_loader,
    train_loader,
)
from .report import write_scores
from .run_record import record_start
from .table import by_head, print_scores


def main(kind: type[Recipe], description: str, arguments: Sequence[str] | None = None) -> int:
    """The program: settings from the command line, a training, an exit code."""
    return program(lambda: run(*parse(kind, arguments, description=description)))


def run(recipe: Recipe, text: str) -> dict[str, float]:
    """Train by `recipe` (whose YAML is `text`); returns the test scores."""
    out = Path(recipe.out)
    check_unmixed(out / "checkpoints", recipe.resume)
    train = make_dataset(recipe.data, recipe.data.train)
    network = make_network(recipe, train)
    begin_from(network, recipe)
    loader = train_loader(recipe, train, network.heads)
    held = recipe.data.validation
    validation = None
    keep = Keep(last=recipe.training.keep)
    if held is not None:
        validation = score_loader(recipe, make_dataset(recipe.data, held), recipe.data.workers)
        keep = Keep(recipe.training.keep, chosen_by(network, recipe.training.best))
    split = recipe.data.test or held
    test = None  # made before the training, so that what is wrong with it is found before
    if split is not None:
        test = score_loader(recipe, make_dataset(recipe.data, split), recipe.data.workers)
    own = make_callbacks(recipe.training, out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.yaml").write_text(text, encoding="utf-8")
    data = {recipe.data.train: train}
    data.update({held: validation.dataset} if held and validation else {})
    data.update({split: test.dataset} if split and test else {})
    record_start(out, data, recipe.seed, recipe.resume)
    fit(
        network,
        loader,
        validation=validation,
        validate_every=recipe.training.validate_every,
        epochs=recipe.training.epochs,
        optimizer=recipe.training.optimizer,
        optimizer_params=recipe.training.optimizer_params,
        schedule=make_schedule(recipe.training),
        callbacks=[
            *(Progress(), JSONLines(out / "scalars.jsonl"), Curves(out, log="scalars.jsonl")),
            *(*own, ProfileLine()),
        ],
        accumulate=recipe.training.accumulate,
        clip_norm=recipe.training.clip_norm,
        nonfinite=recipe.training.nonfinite,
        groups=make_groups(recipe.training, network),
        freeze=recipe.training.freeze,
        ema=recipe.training.ema,
        precision=recipe.training.precision,
        checkpoint=Saver(
            out / "checkpoints",
            every=recipe.training.validate_every,
            keep=keep,
            extra={"recipe": dataclasses.asdict(recipe)},
        ),
        resume=recipe.resume,
        seed=recipe.seed,
    )
    if loader.skipped:
        first = ", ".join(sample_id for sample_id, _ in loader.skipped[:3])
        print(f"broken training samples that were skipped: {len(loader.skipped)}, first {first}")
    return finish(out, split, test)


def chosen_by(network: Network, key: str | None) -> str:
    """The number that the best checkpoint is chosen by.

    Args:
        network: whose heads' metrics there are.
        key: "<head>/<number>"; by default the primary one of the first head's first metric.

    Raises:
        ConfigError: no head has a metric.
    """
    if key is not None:
        return key
    for head in network.heads:
        for metric in head.metrics():
            return f"{head.name}/{metric.primary}"
    raise ConfigError("No head has a metric to choose the best checkpoint by")


def finish(out: Path, split: str | None, loader: Loader | None) -> dict[str, float]:
    """Score the best checkpoint on a split's loader and draw some of its predictions."""
    checkpoints = out / "checkpoints"
    chosen = checkpoints / ("best" if "best" in store.names(checkpoints) else "last")
    if split is None or loader is None:
        print(f"wrote {out}/curves.png, scalars.jsonl and checkpoints/last")
        return {}
    network = load(chosen)
    samples = len(loader.dataset)
    with Watched(loader, "scoring") as watched:
        scores = score(network, watched)
    about = {"checkpoint": str(chosen), "split": split, "samples": samples}
    write_scores(out, scores, about)
    write_predictions(network, loader, out / "predictions.png")
    print_scores(by_head(scores), f"{chosen} on {samples} samples of {split!r}")
    print(f"wrote {out}/curves.png, predictions.png, scores.json, scored.json and scalars.jsonl")
    return scores
