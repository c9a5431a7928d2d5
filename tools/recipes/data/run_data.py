"""Network and data of a run, made before the training begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from densefit.data.loader.loader import Loader
from densefit.data.sample import Dataset
from densefit.evaluation.labelled_heads import labelled_heads
from densefit.model.network import Network
from densefit.tools.recipes.data.division import check_divided, read_once
from densefit.tools.recipes.data.loaders import score_loader, train_loader
from densefit.tools.recipes.data.split_dataset import make_dataset
from densefit.tools.recipes.recipe import Recipe
from densefit.tools.recipes.recipe_heads import make_network

#: Loaders to score on: of a dataset, or of several by name.
ScoringData = Loader | Mapping[str, Loader] | None


@dataclass
class RunData:
    """Network and data of a run; making them checks the data.

    Attributes:
        network: without parameters.
        train: loader of the training data.
        validation: loaders of the validation data; None without validation.
        test: loaders of the test data; None for no final score.
        split: name of the test split; for several datasets, by dataset.
        validation_split: name of the validation split, likewise.
        data: datasets by split, or by "<dataset>/<split>", for the run's record.
        training_splits: keys of `data` to train on.
    """

    network: Network
    train: Loader
    validation: ScoringData
    test: ScoringData
    split: str | dict[str, str] | None
    data: dict[str, Dataset]
    training_splits: Sequence[str] = ()
    validation_split: str | dict[str, str] | None = None


@read_once()
def prepare(recipe: Recipe) -> RunData:
    """Make the network and the data of a recipe with one dataset."""
    own = recipe.data
    check_divided(own, "data")
    train = make_dataset(own, own.train)
    network = make_network(recipe, train)
    loader = train_loader(recipe, train, network.heads)
    data, validation, test = {own.train: train}, None, None
    if own.validation is not None:
        data[own.validation] = make_dataset(own, own.validation)
        validation = score_loader(recipe, data[own.validation], own)
    split = own.test or own.validation
    if split is not None:
        data[split] = make_dataset(own, split)
        test = score_loader(recipe, data[split], own)
    return RunData(network, loader, validation, test, split, data, [own.train], own.validation)


def primary_numbers(network: Network, held: ScoringData) -> dict[str, dict[str, bool]]:
    """Primary scores: head -> full name of the score -> whether a high value is better.

    The primary score is that of the head's first metric, on each dataset with labels for the
    head. Heads without metrics or labels are left out.

    Args:
        network: network with the heads.
        held: loaders to score on; None counts as one dataset.
    """
    whole: dict[str, Any] = {"": held}
    loaders: Mapping[str, Any] = held if isinstance(held, Mapping) else whole
    names = [head.name for head in network.heads]
    prefixes = {
        f"{name}/" if name else "": labelled_heads(network, names, loader)
        for name, loader in loaders.items()
    }
    primary: dict[str, dict[str, bool]] = {}
    for head in network.heads:
        for metric in head.metrics()[:1]:
            key, high = f"{head.name}/{metric.primary}", metric.prefers_high(metric.primary)
            own = {f"{prefix}{key}": high for prefix, on in prefixes.items() if head.name in on}
            primary.update({head.name: own} if own else {})
    return primary
