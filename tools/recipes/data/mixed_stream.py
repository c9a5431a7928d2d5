"""The training data of a recipe with several datasets, as one mixture."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from densefit.data.annotated import ask_once
from densefit.data.classes.class_map import OBJECTS
from densefit.data.mixture.box_names import with_members
from densefit.data.mixture.mixture import Mixture
from densefit.data.sample import Dataset
from densefit.data.targets_present import TargetsPresent, targets_present
from densefit.errors import ConfigError, DensefitError
from densefit.model.heads.head import Head
from densefit.registry import nearest
from densefit.tools.recipes.data.division import check_divided
from densefit.tools.recipes.data.split_dataset import make_dataset
from densefit.tools.recipes.data.splits import renames_of_split
from densefit.tools.recipes.multi_recipe import MultiRecipe
from densefit.tools.recipes.recipe import Data
from densefit.tools.recipes.recipe_heads import make_heads

_log = logging.getLogger("densefit")


@dataclass(frozen=True)
class Stream:
    """The training data of a recipe with several datasets.

    Attributes:
        heads: heads to train; empty if the recipe has none.
        whole: mixture of all datasets.
        train: mixture of the datasets that have labels for the heads.
        datasets: datasets of `train` by name.
    """

    heads: list[Head]
    whole: Mixture
    train: Mixture
    datasets: dict[str, Dataset]


@ask_once()
def stream(recipe: MultiRecipe) -> Stream:
    """Make the training data of a recipe with several datasets.

    If only some heads are trained, datasets that none of them needs may be missing.

    Raises:
        ConfigError: contradictory settings.
        DataError: missing or broken data.
    """
    own = Data(
        workers=recipe.data.workers,
        worker_kind=recipe.data.worker_kind,
        on_error=recipe.data.on_error,
        score_on_error=recipe.data.score_on_error,
        check=recipe.data.check,
    )
    if recipe.data != own:
        raise ConfigError(
            "Data are given twice",
            received=f"data.dataset {recipe.data.dataset!r} beside {list(recipe.datasets)}",
            fix="leave out `data`, but for workers, worker_kind, on_error, score_on_error and "
            "check, or `datasets`",
        )
    datasets, missing = made_datasets(recipe)
    whole = mixture(recipe, datasets)
    for target in recipe.mixture.classes or ():
        if target not in whole.class_lists:
            raise ConfigError(
                f"The datasets have no target {target!r} whose classes could be common",
                where="mixture.classes",
                fix=nearest(target, whole.class_lists),
            )
    heads = make_heads(recipe.model, whole, datasets) if recipe.model.heads else []
    selected = (
        labelled_for(heads, datasets, recipe.mixture.targets) if recipe.only else list(datasets)
    )
    check_needless(recipe, heads, {name: datasets[name] for name in selected}, missing)
    train = part_of(recipe, whole, datasets, selected)
    return Stream(heads, whole, train, {name: datasets[name] for name in selected})


def made_datasets(recipe: MultiRecipe) -> tuple[dict[str, Dataset], dict[str, DensefitError]]:
    """Make each dataset's training split; (datasets, errors of those that failed) by name.

    Raises:
        ConfigError, DataError: a dataset failed that the heads are made from; any dataset, if all
            heads are trained.
    """
    loaded: dict[str, Dataset] = {}
    missing: dict[str, DensefitError] = {}
    sources = {settings.get("from") for settings in recipe.model.heads.values()}
    for name, part in recipe.datasets.items():
        check_divided(part, f"datasets.{name}")
        try:
            loaded[name] = make_dataset(part, part.train, f"datasets.{name}")
        except DensefitError as error:
            if not recipe.only or name in sources:
                raise
            missing[name] = error
    if not loaded:
        raise next(iter(missing.values()))
    return loaded, missing


def check_needless(
    recipe: MultiRecipe,
    heads: Sequence[Head],
    datasets: Mapping[str, Dataset],
    missing: Mapping[str, DensefitError],
) -> None:
    """Warn of missing datasets if the others have labels for all heads.

    Args:
        recipe: the settings.
        heads: heads to train.
        datasets: readable datasets by name.
        missing: errors of the other datasets by name.

    Raises:
        ConfigError, DataError: error of a missing dataset, if a head has no labels without it.
    """
    targets_by_dataset = (
        {name: targets_present(dataset) for name, dataset in datasets.items()} if missing else {}
    )
    present = list(_present(targets_by_dataset, recipe.mixture.targets).values())
    for name, error in missing.items():
        if not all(any(is_labelled(head, own) for own in present) for head in heads):
            raise error
        _log.warning(
            "The dataset %r cannot be read, and is left out: %s has labels for %s without it. If "
            "it has such labels too, they are not trained on; an epoch has as many samples as the "
            "datasets that are there. (%s)",
            *(name, ", ".join(datasets), ", ".join(recipe.only), " ".join(str(error).split())),
        )


def mixture(
    recipe: MultiRecipe,
    datasets: Mapping[str, Dataset],
    classes: Mapping[str, Sequence[str]] | None = None,
    **shares: Any,
) -> Mixture:
    """Mix datasets of the recipe, with the recipe's class names.

    Args:
        recipe: the settings.
        datasets: name -> dataset: all, or some of them.
        classes: target -> common class names; by default the recipe's.
        **shares: ratio, temperature, length and batches of the mixture; by default the recipe's
            if all datasets are given, else proportional to their sizes.
    """
    own = recipe.mixture
    if not shares and len(datasets) == len(recipe.datasets):
        shares = {"ratio": own.ratio, "temperature": own.temperature, "length": own.length}
        shares["batches"] = own.batches
    for what, setting in (("Classes", "rename"), ("Targets", "targets")):
        unknown = [name for name in getattr(own, setting) if name not in recipe.datasets]
        if unknown:
            raise ConfigError(
                f"{what} of no dataset are renamed: {unknown[0]!r}",
                where=f"mixture.{setting}",
                fix=nearest(unknown[0], recipe.datasets),
            )
    return Mixture(
        datasets,
        classes=own.classes if classes is None else classes,
        targets={name: names for name, names in own.targets.items() if name in datasets},
        rename={
            name: renames_of_split(recipe.datasets[name], None, datasets[name], names)
            for name, names in own.rename.items()
            if name in datasets
        },
        unknown=own.unknown,
        lacking=own.lacking,
        **shares,
    )


def common_classes(whole: Mixture) -> dict[str, list[str]]:
    """Class names of a mixture by target."""
    return {OBJECTS: list(whole.classes), **whole.class_lists}


def part_of(
    recipe: MultiRecipe, whole: Mixture, datasets: Mapping[str, Dataset], selected: Sequence[str]
) -> Mixture:
    """Mix a subset of the datasets, with the same samples an epoch of each and the same classes.

    If these are not whole numbers of samples (or batches), their sum is rounded in each epoch.
    """
    if len(selected) == len(datasets):
        return whole
    order = whole.order(True, recipe.training.batch_size)
    counts = {name: n for name, n in zip(order.names, order.expected) if name in selected}
    together = recipe.training.batch_size if order.grouped else 1
    length = together * max(1, round(sum(counts.values()) / together))
    return mixture(
        recipe,
        {name: datasets[name] for name in selected},
        common_classes(whole),
        ratio=counts,
        length=length,
        batches=recipe.mixture.batches,
    )


def labelled_for(
    heads: Sequence[Head],
    datasets: Mapping[str, Dataset],
    names: Mapping[str, Mapping[str, str]],
) -> list[str]:
    """Names of the datasets that have the targets of a head, or of one of its loss terms.

    All datasets, if a head does not declare its targets.

    Args:
        heads: heads to train.
        datasets: datasets by name.
        names: dataset -> target -> name of the target in the mixture, if it is renamed.
    """
    targets_by_dataset = {name: targets_present(dataset) for name, dataset in datasets.items()}
    present = _present(targets_by_dataset, names)
    labelled = []
    for name, own in targets_by_dataset.items():
        if any(is_labelled(head, present[name]) for head in heads):
            labelled.append(name)
        elif not own.are_all:
            labelled.append(name)
            _log.warning(
                "the dataset %r stays, though no sample that was looked at has a target of the "
                "heads %s: a method targets_of(index) of the dataset says what each sample has",
                *(name, ", ".join(head.name for head in heads if head.targets)),
            )
    return labelled or list(datasets)


def is_labelled(head: Head, present: set[str]) -> bool:
    """Whether a dataset with these targets trains a head, or one of its loss terms."""
    terms = getattr(head, "terms", {}).values()
    return any(set(targets) <= present for targets in (head.targets, *(t.targets for t in terms)))


def _present(
    targets_by_dataset: Mapping[str, TargetsPresent], names: Mapping[str, Mapping[str, str]]
) -> dict[str, set[str]]:
    """Names of each dataset's targets in the mixture."""
    return {
        name: {with_members(names.get(name, {})).get(target, target) for target in own.names}
        for name, own in targets_by_dataset.items()
    }
