"""What a training is made of before it begins: the network, and the data of each split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from densefit.data.loader.loader import Loader
from densefit.data.sample import Dataset
from densefit.evaluation.labelled_heads import labelled_heads
from densefit.model.network import Network
from densefit.tools.recipes.recipe import Recipe, make_dataset, score_loader, train_loader
from densefit.tools.recipes.recipe_heads import make_network

#: Data to score on: of one dataset, or of several by name.
Held = Loader | Mapping[str, Loader] | None


@dataclass
class Prepared:
    """All that can be wrong with the data is found when these are made.

    Attributes:
        network: without parameters.
        train: what is trained on.
        validation: what is scored while training; None for nothing.
        test: what is scored at the end; None for nothing.
        split: what `test` is called; of several datasets, by name.
        data: what is read, by split, or "<dataset>/<split>", for the run's record.
    """

    network: Network
    train: Loader
    validation: Held
    test: Held
    split: str | dict[str, str] | None
    data: dict[str, Dataset]


def prepare(recipe: Recipe) -> Prepared:
    """The network and the data of a recipe with one dataset."""
    own = recipe.data
    train = make_dataset(own, own.train)
    network = make_network(recipe, train)
    loader = train_loader(recipe, train, network.heads)
    data, validation, test = {own.train: train}, None, None
    if own.validation is not None:
        data[own.validation] = make_dataset(own, own.validation)
        validation = score_loader(recipe, data[own.validation], own.workers)
    split = own.test or own.validation
    if split is not None:
        data[split] = make_dataset(own, split)
        test = score_loader(recipe, data[split], own.workers)
    return Prepared(network, loader, validation, test, split, data)


def primary_numbers(network: Network, held: Held) -> dict[str, dict[str, bool]]:
    """What each head is judged by: head -> full name of the score -> whether a high one is good.

    It is the primary number of the head's first metric, on each dataset that the head is scored
    on. Heads without metrics, or labels, are left out.

    Args:
        network: whose heads they are.
        held: what they are scored on; None counts as one dataset.
    """
    whole: dict[str, Any] = {"": held}
    loaders: Mapping[str, Any] = held if isinstance(held, Mapping) else whole
    names = [head.name for head in network.heads]
    prefixes = {
        f"{name}/" if name else "": labelled_heads(network, names, loader)
        for name, loader in loaders.items()
    }
    found: dict[str, dict[str, bool]] = {}
    for head in network.heads:
        for metric in head.metrics()[:1]:
            key, high = f"{head.name}/{metric.primary}", metric.prefers_high(metric.primary)
            own = {f"{prefix}{key}": high for prefix, on in prefixes.items() if head.name in on}
            found.update({head.name: own} if own else {})
    return found
