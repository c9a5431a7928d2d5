"""What a dataset inside another one says of itself, where the outer one says nothing."""

from __future__ import annotations

from typing import Any

_DEEPEST = 16  # wrappers in wrappers


def attribute_of(dataset: Any, name: str) -> Any:
    """An attribute of a dataset, else of the one that it wraps; None where none has it.

    A wrapper has what it wraps as `dataset`, as PyTorch's `Subset` has; of `datasets`, as in its
    `ConcatDataset`, it is what all have alike. What a wrapper says itself goes before, None too.

    >>> class Part:
    ...     def __init__(self, dataset): self.dataset = dataset
    >>> class Whole: classes = ["cat", "dog"]
    >>> attribute_of(Part(Part(Whole())), "classes"), attribute_of(Part(3), "classes")
    (['cat', 'dog'], None)
    """
    for _ in range(_DEEPEST):
        if hasattr(dataset, name):
            return getattr(dataset, name)
        several = getattr(dataset, "datasets", None)
        if isinstance(several, (list, tuple)) and several:
            return _alike(several, name)
        dataset = getattr(dataset, "dataset", None)
        if dataset is None:
            return None
    return None


def named_classes(dataset: Any, target: str) -> Any:
    """The names of a target's classes: `<target>_classes`, else `classes`; None where none is."""
    names = attribute_of(dataset, f"{target}_classes")
    return attribute_of(dataset, "classes") if names is None else names


def _alike(datasets: Any, name: str) -> Any:
    found = [attribute_of(one, name) for one in datasets]
    same = all(isinstance(own, (list, tuple)) for own in found) and all(
        list(own) == list(found[0]) for own in found
    )
    return found[0] if same else None
