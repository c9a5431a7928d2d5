"""The names of a network's classes beside those of the loader that trains it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from densefit.data.classes.class_lists import are_numbers, dataset_list, head_lists, is_borrowed
from densefit.data.classes.class_matching import is_of_objects
from densefit.data.classes.class_occurrence import is_map
from densefit.errors import BindError
from densefit.model.network import Network


def take_names(network: Network, train: Any) -> None:
    """Give heads that were made with a number of classes the names of the data that train them.

    They are what validation and scores, and what continues the training, are matched with, and
    they are kept in checkpoints.

    Args:
        network: that is to be trained.
        train: its data; only a densefit Loader tells names.

    Raises:
        BindError: a head of the loader has other names than the network's head of the same name.
    """
    dataset = getattr(train, "dataset", None)
    loaded = {head.name: head for head in getattr(train, "heads", ())}
    for head in network.heads:
        other = loaded.get(head.name, head)
        for target, names in head_lists(head).items():
            theirs = head_lists(other).get(target, names)
            own = dataset_list(dataset, target)
            if not are_numbers(names):
                _check_same(head.name, target, names, theirs)
            elif not are_numbers(theirs):
                head.learn(target, theirs)
            elif own and _are_meant(dataset, target, own, names):
                head.learn(target, own)
        if other is not head and hasattr(other, "learn"):
            for target, names in head_lists(head).items():
                if are_numbers(head_lists(other).get(target, names)):
                    other.learn(target, names)


def _are_meant(dataset: Any, target: str, own: Sequence[str], names: Sequence[str]) -> bool:
    """Whether a dataset's names are those of a target, of which it may say nothing."""
    if are_numbers(own):
        return False
    if not is_borrowed(dataset, target):
        return True
    # Of a mask, fewer names than numbers may be those of what is not background.
    fits = len(own) == len(names) or not is_map(target)
    return fits and not is_of_objects(dataset, target)


def _check_same(head: str, target: str, names: Sequence[str], theirs: Sequence[str]) -> None:
    if are_numbers(theirs) or list(names) == list(theirs):
        return
    raise BindError(
        f"The head {head!r} of the loader has other names than that of the network",
        expected=", ".join(names),
        received=", ".join(theirs),
        where=f"head {head}, target {target!r}",
        fix="give both the same: df.Loader(..., heads=network.heads)",
    )
