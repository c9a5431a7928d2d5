"""Several datasets of a recipe as one stream to train on, and each by itself to score on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from densefit.data.class_map import CLASS_TARGETS, OBJECTS
from densefit.data.labelled import targets_in
from densefit.data.mixture import Mixture
from densefit.data.sample import Dataset, Sample
from densefit.data.transforms import Compose
from densefit.errors import ConfigError
from densefit.model.head import Head
from densefit.registry import nearest
from densefit.tools.multi_recipe import MultiRecipe
from densefit.tools.prepared import Prepared, prepare
from densefit.tools.recipe import Data, augmenting, make_dataset, score_loader, train_loader
from densefit.tools.recipe_heads import make_heads, network_of


def prepare_several(recipe: MultiRecipe) -> Prepared:
    """The network and the data of a recipe with one or several datasets.

    Raises:
        ConfigError: contradictory settings, or an unknown head in `only`.
        DataError: data that are not there, broken, or labelled for no head.
    """
    recipe = selected(recipe)
    if not recipe.datasets:
        return prepare(recipe)
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
    datasets = {
        name: make_dataset(part, part.train, f"datasets.{name}")
        for name, part in recipe.datasets.items()
    }
    whole = mixture(recipe, datasets)
    heads = make_heads(recipe.model, whole, datasets)
    kept = labelled_for(heads, datasets) if recipe.only else list(datasets)
    train = part_of(recipe, whole, datasets, kept)
    network = network_of(recipe.model, heads)
    loader = train_loader(recipe, train, heads, by_dataset(recipe, kept))
    data = {f"{name}/{recipe.datasets[name].train}": datasets[name] for name in kept}
    held = []
    for splits in ("validation", "test"):
        loaders, names = {}, {}
        for name in kept:
            part = recipe.datasets[name]
            split = part.validation if splits == "validation" else part.test or part.validation
            if split is not None:
                names[name] = split
                dataset = make_dataset(part, split, f"datasets.{name}")
                data[f"{name}/{split}"] = dataset
                alone = mixture(recipe, {name: dataset}, common_classes(whole))
                fitted = replace(recipe, resize=part.resize or recipe.resize)
                loaders[name] = score_loader(fitted, alone, recipe.data.workers)
        held.append((loaders or None, names or None))
    (validation, _), (test, split_names) = held
    return Prepared(network, loader, validation, test, split_names, data)


def selected(recipe: MultiRecipe) -> MultiRecipe:
    """The recipe with the heads that are wanted; one alone needs no balance.

    Raises:
        ConfigError: one of them is unknown.
    """
    heads = recipe.model.heads
    for name in recipe.only:
        if name not in heads:
            raise ConfigError(
                f"The recipe has no head {name!r} to train alone",
                where="only",
                fix=nearest(name, heads),
            )
    wanted = {name: own for name, own in heads.items() if not recipe.only or name in recipe.only}
    training = replace(recipe.training, balance=None) if len(wanted) == 1 else recipe.training
    return replace(recipe, training=training, model=replace(recipe.model, heads=wanted))


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
    unknown = [name for name in own.rename if name not in recipe.datasets]
    if unknown:
        raise ConfigError(
            f"Classes of no dataset are renamed: {unknown[0]!r}",
            where="mixture.rename",
            fix=nearest(unknown[0], recipe.datasets),
        )
    return Mixture(
        datasets,
        classes=own.classes if classes is None else classes,
        rename={name: names for name, names in own.rename.items() if name in datasets},
        unknown=own.unknown,
        lacking=own.lacking,
        **shares,
    )


def common_classes(whole: Mixture) -> dict[str, list[str]]:
    """Target -> the names that its numbers stand for in a mixture."""
    lists = {target: getattr(whole, f"{target}_classes", None) for target in CLASS_TARGETS}
    lists[OBJECTS] = whole.classes
    return {target: list(names) for target, names in lists.items() if names}


def part_of(
    recipe: MultiRecipe, whole: Mixture, datasets: Mapping[str, Dataset], kept: Sequence[str]
) -> Mixture:
    """Some datasets of a mixture: as many samples an epoch of each, and the same class names."""
    if len(kept) == len(datasets):
        return whole
    order = whole.order(True, recipe.training.batch_size)
    counts = {name: n for name, n in zip(order.names, order.counts) if name in kept}
    return mixture(
        recipe,
        {name: datasets[name] for name in kept},
        common_classes(whole),
        ratio=counts,
        length=sum(counts.values()),
        batches=recipe.mixture.batches,
    )


def labelled_for(heads: Sequence[Head], datasets: Mapping[str, Dataset]) -> list[str]:
    """The datasets that have the targets of a head; all, if a head does not say what it reads."""
    found = []
    for name, dataset in datasets.items():
        present = targets_in(dataset)
        if any(set(head.targets) <= present for head in heads):
            found.append(name)
    return found or list(datasets)


class ByDataset:
    """Transforms of a mixture's samples, by the dataset that they are of.

    Args:
        transforms: name of the dataset, with which the id of its samples begins -> transform.

    Attributes:
        output_size: (height, width) of all.

    Raises:
        ConfigError: they give pictures of different sizes.
    """

    def __init__(self, transforms: Mapping[str, Compose]) -> None:
        self.transforms = dict(transforms)
        sizes = {name: own.output_size for name, own in self.transforms.items()}
        if len(set(sizes.values())) != 1:
            raise ConfigError(
                "All batches have one input size, whatever the dataset",
                expected="crops of one height and width in the `augment` of each",
                received=", ".join(f"{name} {size}" for name, size in sizes.items()),
                where="datasets",
                fix="choose one size; random_scale_crop has a scale for each",
            )
        self.output_size = next(iter(sizes.values()))

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The sample, transformed as its dataset's are."""
        name, _, _ = sample.id.partition("/")
        return self.transforms[name](sample, rng)


def by_dataset(recipe: MultiRecipe, names: Sequence[str]) -> ByDataset:
    """The random transforms of training, of each dataset its own."""
    own = {}
    for name in names:
        part = recipe.datasets[name]
        fitted = replace(recipe, resize=part.resize or recipe.resize)
        steps = recipe.training.augment if part.augment is None else part.augment
        own[name] = augmenting(steps, fitted)
    return ByDataset(own)
