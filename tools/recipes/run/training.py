"""Train by a recipe: run folder, fit, final score, curves and images."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from densefit.callbacks import Callback, Curves, JSONLines, ProfileLine, Progress
from densefit.checkpoint.storage import store
from densefit.checkpoint.training.policy import Keep
from densefit.checkpoint.training.saver import Saver, check_unmixed
from densefit.config import flat
from densefit.data.loader.loader import Loader
from densefit.distributed import alone, world
from densefit.errors import ConfigError
from densefit.metrics.core.composite import Composite
from densefit.metrics.core.delta_m import DeltaMScore
from densefit.tools.data_check.at_start import check_data
from densefit.tools.page.run_files import DATA_CHECK
from densefit.tools.recipes.class_weights import use_saved_weights
from densefit.tools.recipes.data.division import check_distinct, division_lines
from densefit.tools.recipes.data.loaders import losses_loader
from densefit.tools.recipes.data.paths import with_absolute_paths
from densefit.tools.recipes.data.run_data import RunData, primary_numbers
from densefit.tools.recipes.data.run_data import prepare as prepare_data
from densefit.tools.recipes.data.train_batch import TrainBatch
from densefit.tools.recipes.init_from import begin_from
from densefit.tools.recipes.parts import (
    make_balancer,
    make_callbacks,
    make_groups,
    make_guard,
    make_schedule,
    settings_of_callbacks,
)
from densefit.tools.recipes.plugins import check_recorded, recorded, use_plugins
from densefit.tools.recipes.pretrained import begin_with_weights, use_saved_input_normalization
from densefit.tools.recipes.recipe import Recipe, Training
from densefit.tools.recipes.run.finish import finish
from densefit.tools.recipes.run.run_record import Cost, RunRecorder, record_end
from densefit.tools.recipes.run.start_block import StartBlock
from densefit.tools.recipes.run.tracked_results import await_results, track_results
from densefit.tools.recipes.several_scores import described, with_named_scores
from densefit.train.fit import fit
from densefit.yaml_files.words import dump

COMPOSITE, DELTA_M = "composite", "delta_m"


def train(
    recipe: Recipe,
    prepare: Callable[[Any], RunData] | None = None,
    is_planned: bool = False,
) -> dict[str, float]:
    """Train by a recipe whose folder is chosen, and return the test scores.

    Args:
        recipe: settings of the run.
        prepare: function that makes network and data of a recipe; None for that of one dataset.
        is_planned: whether a plan with batch and length was printed.
    """
    files = use_plugins(recipe.plugins)
    checkpoints = Path(recipe.out) / "checkpoints"
    if world().is_first:
        check_unmixed(checkpoints, recipe.resume)
    resumed = store.resolve(recipe.resume, checkpoints)
    if resumed is not None:
        check_recorded(resumed, files)
    use_saved_weights(recipe)
    use_saved_input_normalization(recipe)
    prepared = (prepare or prepare_data)(recipe)  # writes class weights of `auto` into the recipe
    begin_with_weights(prepared.network, recipe)
    text = dump(dataclasses.asdict(with_absolute_paths(recipe)))
    return run(recipe, text, prepared, is_planned)


def run(recipe: Recipe, text: str, prepared: RunData, is_planned: bool = False) -> dict[str, float]:
    """Train by `recipe` (whose YAML is `text`) on the prepared data; return the test scores."""
    saved = dataclasses.asdict(with_absolute_paths(recipe))
    training, weighted = with_named_scores(recipe.training)
    recipe, network = dataclasses.replace(recipe, training=training), prepared.network
    out = Path(recipe.out)
    begin_from(network, recipe)
    network.engine_name = recipe.engine
    data = recipe.data
    training_splits = prepared.training_splits
    skipping = {
        split
        for split in prepared.data
        if (data.on_error if split in training_splits else data.score_on_error) == "skip"
    }
    checked: dict[str, Any] = {}
    check, rest_of_check = check_data(
        prepared.data, training_splits, data.check, skipping, keep=checked.update
    )
    check_distinct(prepared.data)
    lines = division_lines(prepared.data)
    if not lines and getattr(data, "splits", None) is not None:
        sizes = ", ".join(f"{split} {len(dataset)}" for split, dataset in prepared.data.items())
        lines = [f"data: the dataset's own splits, {sizes}; data.splits is for one without"]
    for line in lines:
        print(line)
    for split, dataset in prepared.data.items():
        median = getattr(dataset, "median_depth", None)
        if median is not None:
            print(f"{split}: the median depth is {median:.3g} m")
    numbers = primary_numbers(network, prepared.validation)
    has_validation = prepared.validation is not None
    best = chosen_by(numbers, cast(str | None, training.best)) if has_validation else None
    keep = Keep(training.keep, best, relative_to=training.baselines if best == DELTA_M else None)
    recipe_callbacks = make_callbacks(training, out, flat(dataclasses.asdict(recipe), depth=9))
    trackers = await_results(recipe_callbacks)
    several = prepared.validation if isinstance(prepared.validation, Mapping) else None
    validated = [prepared.validation] if several is None else list(several.values())
    loaders = [item for item in (prepared.train, *validated) if isinstance(item, Loader)]
    history = fit(
        network,
        prepared.train,
        validation=prepared.validation,
        validate_every=training.validate_every,
        validation_losses=losses_loader(recipe, prepared.validation, network.heads),
        epochs=training.epochs,
        optimizer=training.optimizer,
        optimizer_params=training.optimizer_params,
        schedule=make_schedule(training),
        callbacks=[
            StartBlock(recipe, prepared, check, described(best, weighted), is_planned),
            RunRecorder(
                *(out, text, prepared.data, recipe.seed, recipe.resume, loaders),
                records={DATA_CHECK: checked},
            ),
            *(Progress(unit="images"), JSONLines(out / "scalars.jsonl")),
            *(_pictures(out, prepared) if recipe.pictures else []),
            *(*recipe_callbacks, ProfileLine(), Cost(out)),
            *([] if rest_of_check is None else [rest_of_check]),
        ],
        accumulate=training.accumulate,
        clip_norm=training.clip_norm,
        on_nonfinite=make_guard(training),
        groups=make_groups(training, network),
        balance=make_balancer(recipe.balance_of(list(network.adapters))),
        distill=recipe.distill_of(list(network.adapters)),
        task_affinity=training.task_affinity if len(network.heads) > 1 else None,
        freeze=training.freeze,
        unfreeze=training.unfreeze,
        ema=training.ema,
        precision=training.precision,
        sync_batchnorm=training.sync_batchnorm,
        checkpoint=Saver(
            out / "checkpoints",
            every=training.validate_every,
            keep=keep,
            extra={
                "recipe": saved,
                "plugins": recorded(recipe.plugins),
            },
        ),
        resume=None if recipe.resume == "none" else recipe.resume,
        seed=recipe.seed,
        devices=recipe.devices or None,
        **(derived(training, numbers, weighted) if has_validation else {}),
    )
    if prepared.train.skipped:
        skipped = prepared.train.skipped
        first = ", ".join(sample_id for sample_id, _ in skipped[:3])
        print(f"broken training samples that were skipped: {len(skipped)}, first {first}")
    if not world().is_first:
        return {}
    with alone():
        scores = track_results(
            trackers,
            out,
            lambda: finish(out, prepared, training.conflict, recipe.devices, recipe.pictures),
        )
        record_end(out, history.update, history.stop_reason)
        return scores


def _pictures(out: Path, prepared: RunData) -> list[Callback]:
    curves = Curves(out, log="scalars.jsonl")
    return [curves, TrainBatch(out / "train_batch.png", prepared.train)]


def derived(
    training: Training,
    numbers: Mapping[str, Mapping[str, bool]],
    weighted: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """Arguments of `fit` for the scores of several heads that a setting of the training names.

    Args:
        training: settings of the training.
        numbers: result of `primary_numbers`.
        weighted: name -> weighted mean of scores; see `with_named_scores`.
    """
    by = [
        training.best,
        *(entry.get("metric") for entry in (training.schedule, *settings_of_callbacks(training))),
    ]
    scores: dict[str, Any] = dict(weighted)
    if COMPOSITE in by:
        scores[COMPOSITE] = Composite(numbers)
    if DELTA_M in by:
        higher = {name: high for names in numbers.values() for name, high in names.items()}
        scores[DELTA_M] = DeltaMScore(training.baselines, higher)
    return {"derived": scores} if scores else {}


def chosen_by(numbers: Mapping[str, Mapping[str, bool]], key: str | None) -> str:
    """Name of the score that selects the best checkpoint.

    Args:
        numbers: result of `primary_numbers`.
        key: full name of the score; by default the first head's primary score.

    Raises:
        ConfigError: no head has a metric.
    """
    if key is not None:
        return key
    for head_numbers in numbers.values():
        return next(iter(head_numbers))
    raise ConfigError("No head has a metric to choose the best checkpoint by")
