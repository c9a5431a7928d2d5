"""A training from a recipe: run folder, fit, final score, curves and pictures."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from densefit.callbacks import Curves, JSONLines, Progress
from densefit.checkpoint.load import load
from densefit.checkpoint.policy import Keep
from densefit.checkpoint.saver import Saver
from densefit.config import parse
from densefit.errors import DensefitError
from densefit.score import score
from densefit.train.fit import fit

from .pictures import write_predictions
from .recipe import (
    Recipe,
    make_dataset,
    make_network,
    make_schedule,
    score_loader,
    train_loader,
)
from .table import print_scores


def main(kind: type[Recipe], description: str, arguments: Sequence[str] | None = None) -> int:
    """The program: settings from the command line, a training, 0 or an error message and 1."""
    try:
        recipe, text = parse(kind, arguments, description=description)
        run(recipe, text)
    except DensefitError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def run(recipe: Recipe, text: str) -> dict[str, float]:
    """Train by `recipe` (whose YAML is `text`); returns the test scores."""
    out = Path(recipe.out)
    train = make_dataset(recipe.data, recipe.data.train)
    network = make_network(recipe, train)
    loader = train_loader(recipe, train, network.heads)
    held = recipe.data.validation
    validation = None if held is None else score_loader(recipe, make_dataset(recipe.data, held))
    best = recipe.training.best
    if best is None and validation is not None:
        first = network.heads[0]
        best = f"{first.name}/{first.metrics()[0].primary}"
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.yaml").write_text(text)
    fit(
        network,
        loader,
        validation=validation,
        validate_every=recipe.training.validate_every,
        epochs=recipe.training.epochs,
        optimizer=recipe.training.optimizer,
        optimizer_params=recipe.training.optimizer_params,
        schedule=make_schedule(recipe.training),
        callbacks=[Progress(), JSONLines(out / "scalars.jsonl"), Curves(out, log="scalars.jsonl")],
        checkpoint=Saver(
            out / "checkpoints",
            every=recipe.training.validate_every,
            keep=Keep(last=recipe.training.keep, best=best),
            extra={"recipe": dataclasses.asdict(recipe)},
        ),
        resume=recipe.resume,
        seed=recipe.seed,
    )
    return finish(recipe, out)


def finish(recipe: Recipe, out: Path) -> dict[str, float]:
    """Score the best checkpoint on the test split and draw some of its predictions."""
    checkpoints = out / "checkpoints"
    chosen = checkpoints / "best" if (checkpoints / "best").exists() else checkpoints / "last"
    network = load(chosen)
    split = recipe.data.test or recipe.data.validation
    if split is None:
        return {}
    dataset = make_dataset(recipe.data, split)
    loader = score_loader(recipe, dataset)
    scores = score(network, loader)
    write_scores(out / "scores.json", scores, chosen, split, len(dataset))
    write_predictions(network, loader, out / "predictions.png")
    print_scores(scores, f"{chosen} on {len(dataset)} samples of {split!r}")
    print(f"wrote {out}/curves.png, predictions.png, scores.json and scalars.jsonl")
    return scores


def write_scores(
    path: Path, scores: dict[str, float], checkpoint: Path, split: str, samples: int
) -> None:
    """The scores as JSON, with what they were measured on; nan becomes null."""
    content: dict[str, Any] = {
        "checkpoint": str(checkpoint),
        "split": split,
        "samples": samples,
        "scores": {key: None if value != value else value for key, value in scores.items()},
    }
    path.write_text(json.dumps(content, indent=1) + "\n")
