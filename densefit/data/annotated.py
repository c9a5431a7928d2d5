"""Which targets the samples of a dataset have, by its annotations, without reading a picture."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection
from itertools import accumulate
from typing import Any

_DEEPEST = 16  # wrappers in wrappers
_METHOD = "targets_of"


def targets_of(dataset: Any, index: int) -> Collection[str] | None:
    """Names of the targets of a sample, or None where the dataset does not say.

    It says so by a method `targets_of(index)`. A subset that has what it is of as `dataset` and the
    places as `indices`, as PyTorch's, and a list of `datasets` one after the other, as its
    `ConcatDataset`, are looked through. Where a class inherits the method, and makes its samples
    itself, it does not say: they may have more.

    >>> class Boxes:
    ...     def targets_of(self, index): return ["boxes"]
    ...     def __getitem__(self, index): return None
    >>> class More(Boxes):
    ...     def __getitem__(self, index): return None
    >>> targets_of(Boxes(), 0), targets_of(More(), 0)
    (['boxes'], None)
    """
    for _ in range(_DEEPEST):
        kind = type(dataset)
        if hasattr(kind, _METHOD):
            if _is_overridden(kind):
                return None
            found: Collection[str] | None = dataset.targets_of(index)
            return found
        if _defines(kind, "__getitem__") not in _LOOKED_THROUGH:
            return None
        inner, indices = getattr(dataset, "dataset", None), getattr(dataset, "indices", None)
        several = getattr(dataset, "datasets", None)
        if inner is not None and indices is not None:
            dataset, index = inner, int(indices[index])
        elif isinstance(several, (list, tuple)):
            ends = list(accumulate(map(len, several)))
            number = bisect_right(ends, index)
            index -= ends[number] - len(several[number])
            dataset = several[number]
        else:
            return None
    return None


#: Classes that give the samples of what they wrap as they are.
_LOOKED_THROUGH = ("torch.utils.data.dataset.Subset", "torch.utils.data.dataset.ConcatDataset")


def all_targets(dataset: Any) -> list[Collection[str]] | None:
    """The targets of each sample; None where the dataset does not say that of all."""
    found: list[Collection[str]] = []
    for index in range(len(dataset)):
        own = targets_of(dataset, index)
        if own is None:
            return None
        found.append(own)
    return found


def _is_overridden(kind: type) -> bool:
    order = [one for one in kind.__mro__ if _METHOD in vars(one) or "__getitem__" in vars(one)]
    return bool(order) and _METHOD not in vars(order[0])


def _defines(kind: type, name: str) -> str:
    """The class that a class has a method of."""
    owner = next((one for one in kind.__mro__ if name in vars(one)), object)
    return f"{owner.__module__}.{owner.__qualname__}"
