"""Several datasets of a recipe as one stream to train on."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from densefit.data.annotated import ask_once
from densefit.data.classes.class_map import OBJECTS
from densefit.data.mixture.mixture import Mixture
from densefit.data.sample import Dataset
from densefit.data.targets_present import TargetsPresent, targets_present
from densefit.errors import ConfigError, DensefitError
from densefit.model.heads.head import Head
from densefit.registry import nearest
from densefit.tools.recipes.multi_recipe import MultiRecipe
from densefit.tools.recipes.recipe import Data, make_dataset
from densefit.tools.recipes.recipe_heads import make_heads
from densefit.tools.recipes.splits import renames_of_split

_log = logging.getLogger("densefit")


@dataclass(frozen=True)
class Stream:
    """What a recipe with several datasets trains on.

    Attributes:
        heads: who learn from it; none if the recipe has none.
        whole: all datasets.
        train: those that have labels for the heads, as they come in training.
        datasets: the latter by name.
    """

    heads: list[Head]
    whole: Mixture
    train: Mixture
    datasets: dict[str, Dataset]


@ask_once()
def stream(recipe: MultiRecipe) -> Stream:
    """The training data of a recipe with several datasets.

    Where only some of the heads are trained, datasets that no head of these needs may be missing.

    Raises:
        ConfigError: contradictory settings.
        DataError: data that are not there, or broken.
    """
    own = Data(
        workers=recipe.data.workers,
        worker_kind=recipe.data.worker_kind,
        on_error=recipe.data.on_error,
    )
    if recipe.data != own:
        raise ConfigError(
            "Data are given twice",
            received=f"data.dataset {recipe.data.dataset!r} beside {list(recipe.datasets)}",
            fix="leave out `data`, but for workers, worker_kind and on_error, or `datasets`",
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
    kept = labelled_for(heads, datasets, recipe.mixture.targets) if recipe.only else list(datasets)
    check_needless(recipe, heads, {name: datasets[name] for name in kept}, missing)
    train = part_of(recipe, whole, datasets, kept)
    return Stream(heads, whole, train, {name: datasets[name] for name in kept})


def made_datasets(recipe: MultiRecipe) -> tuple[dict[str, Dataset], dict[str, DensefitError]]:
    """The training data of each dataset; of those that cannot be made, why.

    Raises:
        ConfigError, DataError: of one without which the heads cannot be made; of any, where all
            heads are trained.
    """
    made: dict[str, Dataset] = {}
    missing: dict[str, DensefitError] = {}
    sources = {settings.get("from") for settings in recipe.model.heads.values()}
    for name, part in recipe.datasets.items():
        try:
            made[name] = make_dataset(part, part.train, f"datasets.{name}")
        except DensefitError as error:
            if not recipe.only or name in sources:
                raise
            missing[name] = error
    if not made:
        raise next(iter(missing.values()))
    return made, missing


def check_needless(
    recipe: MultiRecipe,
    heads: Sequence[Head],
    datasets: Mapping[str, Dataset],
    missing: Mapping[str, DensefitError],
) -> None:
    """Warn of datasets that are missing, where the others have the labels of all heads.

    Args:
        recipe: the settings.
        heads: who are to learn.
        datasets: that are there, by name.
        missing: why the others are not.

    Raises:
        ConfigError, DataError: of one that is missing, if a head has no labels without it.
    """
    held = {name: targets_present(dataset) for name, dataset in datasets.items()} if missing else {}
    present = list(_present(held, recipe.mixture.targets).values())
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
    """Datasets of the recipe as one, with the recipe's class names.

    Args:
        recipe: the settings.
        datasets: name -> dataset: all, or some of them.
        classes: target -> the common names, in place of the recipe's.
        **shares: ratio, temperature, length and batches, in place of the recipe's if all datasets
            are there, and of the natural ones else.
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
    """Target -> the names that its numbers stand for in a mixture."""
    return {OBJECTS: list(whole.classes), **whole.class_lists}


def part_of(
    recipe: MultiRecipe, whole: Mixture, datasets: Mapping[str, Dataset], kept: Sequence[str]
) -> Mixture:
    """Some datasets of a mixture: as many samples an epoch of each, and the same class names.

    Where these are no whole numbers of samples (of batches), their sum is rounded in each epoch.
    """
    if len(kept) == len(datasets):
        return whole
    order = whole.order(True, recipe.training.batch_size)
    counts = {name: n for name, n in zip(order.names, order.expected) if name in kept}
    together = recipe.training.batch_size if order.grouped else 1
    length = together * max(1, round(sum(counts.values()) / together))
    return mixture(
        recipe,
        {name: datasets[name] for name in kept},
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
    """The datasets that have the targets of a head, or of one of its loss terms.

    All, if a head does not say what it reads.

    Args:
        heads: who are to learn.
        datasets: by name.
        names: of a dataset -> its target -> its name in the mixture, if that is another.
    """
    held = {name: targets_present(dataset) for name, dataset in datasets.items()}
    present = _present(held, names)
    found = []
    for name, own in held.items():
        if any(is_labelled(head, present[name]) for head in heads):
            found.append(name)
        elif not own.are_all:
            found.append(name)
            _log.warning(
                "the dataset %r stays, though no sample that was looked at has a target of the "
                "heads %s: a method targets_of(index) of the dataset says what each sample has",
                *(name, ", ".join(head.name for head in heads if head.targets)),
            )
    return found or list(datasets)


def is_labelled(head: Head, present: set[str]) -> bool:
    """Whether a dataset with these targets trains a head, or one of its loss terms."""
    terms = getattr(head, "terms", {}).values()
    return any(set(targets) <= present for targets in (head.targets, *(t.targets for t in terms)))


def _present(
    held: Mapping[str, TargetsPresent], names: Mapping[str, Mapping[str, str]]
) -> dict[str, set[str]]:
    """Dataset -> the names of its targets in the mixture."""
    return {
        name: {names.get(name, {}).get(target, target) for target in own.names}
        for name, own in held.items()
    }
