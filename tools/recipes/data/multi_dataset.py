"""Data of a recipe with several datasets: mixed for training, separate for scoring."""

from __future__ import annotations

from dataclasses import replace

from densefit.data.loader.loader import Loader
from densefit.errors import ConfigError
from densefit.model.network import Network
from densefit.registry import nearest
from densefit.tools.recipes.data.by_dataset import by_dataset
from densefit.tools.recipes.data.division import read_once
from densefit.tools.recipes.data.loaders import fitting, score_loader, train_loader
from densefit.tools.recipes.data.mixed_stream import Stream, common_classes, mixture, stream
from densefit.tools.recipes.data.run_data import RunData, prepare
from densefit.tools.recipes.data.split_dataset import make_dataset
from densefit.tools.recipes.multi_recipe import MultiRecipe
from densefit.tools.recipes.recipe_heads import make_network, network_of


@read_once()
def prepare_datasets(recipe: MultiRecipe) -> RunData:
    """Make the network and the data of a recipe with one or several datasets.

    Raises:
        ConfigError: contradictory settings, or an unknown head in `only`.
        DataError: missing or broken data, or data without labels for any head.
    """
    recipe = selected(recipe)
    if not recipe.datasets:
        return prepare(recipe)
    mixed = stream(recipe)
    network = network_of(recipe.model, mixed.heads)
    loader = stream_loader(recipe, mixed)
    data = {f"{name}/{recipe.datasets[name].train}": own for name, own in mixed.datasets.items()}
    training_splits, scoring = list(data), []
    for splits in ("validation", "test"):
        loaders, names = {}, {}
        for name in mixed.datasets:
            part = recipe.datasets[name]
            split = part.validation if splits == "validation" else part.test or part.validation
            if split is not None:
                names[name] = split
                dataset = make_dataset(part, split, f"datasets.{name}")
                data[f"{name}/{split}"] = dataset
                alone = mixture(recipe, {name: dataset}, common_classes(mixed.whole))
                fitted = replace(recipe, resize=part.resize or recipe.resize)
                loaders[name] = score_loader(fitted, alone, recipe.data)
        scoring.append((loaders or None, names or None))
    (validation, validation_names), (test, test_names) = scoring
    return RunData(
        *(network, loader, validation, test, test_names, data, training_splits, validation_names)
    )


def training_side(recipe: MultiRecipe) -> tuple[Network, Loader]:
    """Make the network and the training loader of a recipe with one or several datasets.

    Validation and test data are not read and may be missing.

    Raises:
        ConfigError, DataError: as `prepare_datasets`.
    """
    recipe = selected(recipe)
    if recipe.datasets:
        mixed = stream(recipe)
        return network_of(recipe.model, mixed.heads), stream_loader(recipe, mixed)
    dataset = make_dataset(recipe.data, recipe.data.train)
    network = make_network(recipe, dataset)
    return network, train_loader(recipe, dataset, network.heads)


def updates_per_epoch(recipe: MultiRecipe) -> int:
    """Count the updates of an epoch of a recipe with one or several datasets.

    The recipe needs heads only if `only` selects the datasets that have labels for them.

    Raises:
        ConfigError, DataError: as `prepare_datasets`.
    """
    recipe = selected(recipe)
    if recipe.datasets:
        chosen = recipe if recipe.only else replace(recipe, model=replace(recipe.model, heads={}))
        loader = train_loader(recipe, stream(chosen).train, [], fitting(recipe))
    else:
        loader = train_loader(recipe, make_dataset(recipe.data, recipe.data.train), [])
    with loader:
        return -(-len(loader) // recipe.training.accumulate)


def stream_loader(recipe: MultiRecipe, mixed: Stream) -> Loader:
    """Make the training loader of a mixture, with each dataset's augmentation."""
    return train_loader(recipe, mixed.train, mixed.heads, by_dataset(recipe, list(mixed.datasets)))


def selected(recipe: MultiRecipe) -> MultiRecipe:
    """Select the heads of `only`.

    Raises:
        ConfigError: an unknown head in `only`.
    """
    heads = recipe.model.heads
    for name in recipe.only:
        if name not in heads:
            raise ConfigError(
                f"The recipe has no head {name!r} to train alone",
                where="only",
                fix=nearest(name, heads),
            )
    selected_heads = {
        name: own for name, own in heads.items() if not recipe.only or name in recipe.only
    }
    training = replace(
        recipe.training,
        balance=recipe.balance_of(selected_heads),
        distill=recipe.distill_of(selected_heads),
    )
    return replace(recipe, training=training, model=replace(recipe.model, heads=selected_heads))
