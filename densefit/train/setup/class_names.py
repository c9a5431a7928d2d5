"""Class names of a network's heads, taken from the training data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from densefit.data.classes.class_lists import are_numbers, dataset_list, head_lists, is_from_classes
from densefit.data.classes.class_matching import is_of_objects
from densefit.data.classes.class_occurrence import is_map
from densefit.errors import BindError
from densefit.model.network import Network


def take_names(network: Network, train: Any) -> None:
    """Give heads that were made with a number of classes the class names of the training data.

    Validation, scores and later trainings are matched by the names; checkpoints keep them.

    Args:
        network: network to train.
        train: training data; only a densefit Loader has names.

    Raises:
        BindError: the loader's head of the same name has other class names.
    """
    dataset = getattr(train, "dataset", None)
    loaded = {head.name: head for head in getattr(train, "heads", ())}
    for head in network.heads:
        other = loaded.get(head.name, head)
        for target, names in head_lists(head).items():
            theirs = head_lists(other).get(target, names)
            of_dataset = dataset_list(dataset, target)
            if not are_numbers(names):
                _check_same(head.name, target, names, theirs)
            elif not are_numbers(theirs):
                head.set_class_names(target, theirs)
            elif of_dataset and _are_meant(dataset, target, of_dataset, names):
                head.set_class_names(target, of_dataset)
        if other is not head and hasattr(other, "set_class_names"):
            for target, names in head_lists(head).items():
                if are_numbers(head_lists(other).get(target, names)):
                    other.set_class_names(target, names)


def _are_meant(dataset: Any, target: str, of_dataset: Sequence[str], names: Sequence[str]) -> bool:
    """Return whether a dataset's class names apply to a target."""
    if are_numbers(of_dataset):
        return False
    if not is_from_classes(dataset, target):
        return True
    # A mask may have one name less: the background is unnamed.
    fits = len(of_dataset) == len(names) or not is_map(target)
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
