"""Look up attributes of datasets inside wrappers."""

from __future__ import annotations

from typing import Any

_DEEPEST = 16  # wrappers in wrappers


def attribute_of(dataset: Any, name: str) -> Any:
    """An attribute of a dataset, else of the dataset that it wraps, else None.

    A wrapper holds the wrapped dataset as `dataset`, like PyTorch's `Subset`; for `datasets`, like
    its `ConcatDataset`, the attribute counts if it is equal in all. A wrapper's own attribute takes
    precedence, even if it is None.

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


def classes_attribute(target: str) -> str:
    """The attribute of a dataset that names the classes of a target.

    >>> classes_attribute("mask"), classes_attribute("classes"), classes_attribute("room_classes")
    ('mask_classes', 'classes', 'room_classes')
    """
    return target if f"_{target}".endswith("_classes") else f"{target}_classes"


def points_attribute(target: str) -> str:
    """The attribute of a dataset that names the keypoints of a target.

    >>> points_attribute("keypoints"), points_attribute("room_keypoints")
    ('keypoint_names', 'room_keypoint_names')
    """
    is_usual = f"_{target}".endswith("_keypoints")
    return f"{target[:-1]}_names" if is_usual else "keypoint_names"


def named_classes(dataset: Any, target: str) -> Any:
    """Class names of a target: its `classes_attribute`, else `classes`, else None."""
    names = attribute_of(dataset, classes_attribute(target))
    return attribute_of(dataset, "classes") if names is None else names


def _alike(datasets: Any, name: str) -> Any:
    values = [attribute_of(dataset, name) for dataset in datasets]
    same = all(isinstance(value, (list, tuple)) for value in values) and all(
        list(value) == list(values[0]) for value in values
    )
    return values[0] if same else None
