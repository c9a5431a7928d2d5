"""A training from a recipe: run folder, fit, final score, curves and pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from densefit.callbacks import Curves, JSONLines, ProfileLine, Progress
from densefit.checkpoint.training.policy import Keep
from densefit.checkpoint.training.saver import Saver, check_unmixed
from densefit.config import parse
from densefit.data.loader.loader import Loader
from densefit.errors import ConfigError
from densefit.metrics.core.composite import Composite
from densefit.tools.report.pictures import write_predictions
from densefit.train.fit import fit
from densefit.yaml_words import dump

from .data_paths import placed
from .finish import Draw, finish
from .init_from import begin_from
from .program import program
from .recipe import (
    Recipe,
    Training,
    make_balancer,
    make_callbacks,
    make_groups,
    make_guard,
    make_schedule,
)
from .run_data import Prepared, prepare, primary_numbers
from .run_record import Begun, Cost
from .train_batch import TrainBatch

Kind = TypeVar("Kind", bound=Recipe)
COMPOSITE = "composite"


def main(
    kind: type[Kind],
    description: str,
    arguments: Sequence[str] | None = None,
    prepare: Callable[[Kind], Prepared] = prepare,
    draw: Draw = write_predictions,
) -> int:
    """The program: settings from the command line, a training, an exit code.

    Args:
        kind: the recipe's dataclass.
        description: first lines of the help.
        arguments: the command line; that of the program by default.
        prepare: makes network and data of a recipe.
        draw: writes predictions of a network on some of what was scored to a picture.
    """

    def work() -> None:
        recipe, _ = parse(kind, arguments, description=description)
        text = dump(dataclasses.asdict(placed(recipe)))
        check_unmixed(Path(recipe.out) / "checkpoints", recipe.resume)
        run(recipe, text, prepare(recipe), draw)

    return program(work)


def run(
    recipe: Recipe, text: str, prepared: Prepared, draw: Draw = write_predictions
) -> dict[str, float]:
    """Train by `recipe` (whose YAML is `text`) on what was prepared; returns the test scores."""
    training, network = recipe.training, prepared.network
    out = Path(recipe.out)
    begin_from(network, recipe)
    for split, dataset in prepared.data.items():
        median = getattr(dataset, "median_depth", None)
        if median is not None:
            print(f"{split}: the median depth is {median:.3g} m")
    numbers = primary_numbers(network, prepared.validation)
    held = prepared.validation is not None
    keep = Keep(training.keep, chosen_by(numbers, training.best) if held else None)
    own = make_callbacks(training, out)
    several = prepared.validation if isinstance(prepared.validation, Mapping) else None
    validated = [prepared.validation] if several is None else list(several.values())
    loaders = [one for one in (prepared.train, *validated) if isinstance(one, Loader)]
    fit(
        network,
        prepared.train,
        validation=prepared.validation,
        validate_every=training.validate_every,
        epochs=training.epochs,
        optimizer=training.optimizer,
        optimizer_params=training.optimizer_params,
        schedule=make_schedule(training),
        callbacks=[
            Begun(out, text, prepared.data, recipe.seed, recipe.resume, loaders),
            *(Progress(), JSONLines(out / "scalars.jsonl"), Curves(out, log="scalars.jsonl")),
            TrainBatch(out / "train_batch.png", prepared.train),
            *(*own, ProfileLine(), Cost(out)),
        ],
        accumulate=training.accumulate,
        clip_norm=training.clip_norm,
        on_nonfinite=make_guard(training),
        groups=make_groups(training, network),
        balance=make_balancer(training),
        freeze=training.freeze,
        ema=training.ema,
        precision=training.precision,
        checkpoint=Saver(
            out / "checkpoints",
            every=training.validate_every,
            keep=keep,
            extra={"recipe": dataclasses.asdict(placed(recipe))},
        ),
        resume=None if recipe.resume == "none" else recipe.resume,
        seed=recipe.seed,
        **(derived(training, numbers) if held else {}),
    )
    if prepared.train.skipped:
        skipped = prepared.train.skipped
        first = ", ".join(sample_id for sample_id, _ in skipped[:3])
        print(f"broken training samples that were skipped: {len(skipped)}, first {first}")
    return finish(out, prepared, draw, training.conflict)


def derived(training: Training, numbers: Mapping[str, Mapping[str, bool]]) -> dict[str, Any]:
    """The composite, for a training that has a setting which names it."""
    by = [training.best, *(one.get("metric") for one in (training.schedule, *training.callbacks))]
    return {"derived": {COMPOSITE: Composite(numbers)}} if COMPOSITE in by else {}


def chosen_by(numbers: Mapping[str, Mapping[str, bool]], key: str | None) -> str:
    """The number that the best checkpoint is chosen by.

    Args:
        numbers: of each head, as `primary_numbers` tells them.
        key: the number's full name; by default the first one of the first head.

    Raises:
        ConfigError: no head has a metric.
    """
    if key is not None:
        return key
    for own in numbers.values():
        return next(iter(own))
    raise ConfigError("No head has a metric to choose the best checkpoint by")
