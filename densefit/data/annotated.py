"""Targets that a dataset declares for its samples, without reading an image."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import accumulate, chain
from typing import Any, TypeVar

_DEEPEST = 16  # wrappers in wrappers
_METHOD = "targets_of"
_BULK = "all_targets"  # of wrappers: `targets_of` of all samples in one call
_MANY = 8  # a smaller subset is asked by index
_Answer = TypeVar("_Answer")
_answers: ContextVar[dict[tuple[str, int], tuple[Any, Any]] | None] = ContextVar(
    "answers", default=None
)


def targets_of(dataset: Any, index: int) -> Collection[str] | None:
    """Target names of a sample, or None if the dataset does not declare them.

    A dataset declares them by a method `targets_of(index)`. PyTorch's `Subset` (`dataset`,
    `indices`) and `ConcatDataset` (`datasets`) are unwrapped. A class that inherits the method but
    overrides `__getitem__` declares nothing: its samples may have more targets.

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
            names: Collection[str] | None = dataset.targets_of(index)
            return (names,) if isinstance(names, str) else names
        if not _is_looked_through(kind):
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


#: Wrapper classes that return the wrapped samples unchanged.
_LOOKED_THROUGH = ("torch.utils.data.dataset.Subset", "torch.utils.data.dataset.ConcatDataset")


def all_targets(dataset: Any) -> Sequence[frozenset[str]] | None:
    """Target names of each sample; None unless the dataset declares all of them.

    Calls `targets_of` once per sample, or once a wrapper's method `all_targets()`. Samples with
    the same targets share one set.
    """
    return answer("targets", dataset, _all_targets)


def _all_targets(dataset: Any) -> Sequence[frozenset[str]] | None:
    kind = type(dataset)
    if hasattr(kind, _BULK) and not _is_overridden(kind, _BULK, _METHOD):
        declared: Sequence[frozenset[str]] | None = dataset.all_targets()
        return declared
    if _is_looked_through(kind):
        several, inner = getattr(dataset, "datasets", None), getattr(dataset, "dataset", None)
        if isinstance(several, (list, tuple)):
            parts = [part for part in map(all_targets, several) if part is not None]
            return in_sets(chain(*parts)) if len(parts) == len(several) else None
        if inner is not None and len(inner) <= _MANY * len(dataset):
            whole = all_targets(inner)
            return None if whole is None else [whole[int(index)] for index in dataset.indices]
    says: Callable[[int], Collection[str] | None]
    if hasattr(kind, _METHOD) and not _is_overridden(kind):
        says = dataset.targets_of  # looked up once, not for each sample
    else:

        def says(index: int) -> Collection[str] | None:
            return targets_of(dataset, index)

    return in_sets(map(says, range(len(dataset))))


def in_sets(targets: Iterable[Collection[str] | None]) -> list[frozenset[str]] | None:
    """Convert target names to sets, sharing equal ones; None if an item is None."""
    sets: dict[frozenset[str], frozenset[str]] = {}
    target_sets: list[frozenset[str]] = []
    last: Collection[str] | None = None
    for names in targets:
        if names is None:
            return None
        if last is None or not isinstance(names, tuple) or names != last:
            as_set = frozenset((names,) if isinstance(names, str) else names)
            as_set = sets.setdefault(as_set, as_set)
            last = names if isinstance(names, tuple) else None
        target_sets.append(as_set)
    return target_sets


@contextmanager
def ask_once() -> Iterator[None]:
    """Within this block, cache which targets each dataset has.

    Several checks of a loader's start query datasets of 100,000 samples. The cache is dropped at
    the end of the block, since a dataset may grow, or get more labels, before the next.
    """
    if _answers.get() is not None:
        yield
        return
    token = _answers.set({})
    try:
        yield
    finally:
        _answers.reset(token)


def answer(question: str, dataset: Any, ask: Callable[[Any], _Answer]) -> _Answer:
    """Return `ask(dataset)`, cached per dataset within `ask_once`."""
    answers = _answers.get()
    if answers is None:
        with ask_once():
            return ask(dataset)
    key = (question, id(dataset))
    if key not in answers:
        answers[key] = (dataset, ask(dataset))  # the dataset lives as long as its id is a key
    cached: _Answer = answers[key][1]
    return cached


def _is_overridden(kind: type, *methods: str) -> bool:
    methods = methods or (_METHOD,)
    names = (*methods, "__getitem__")
    order = [base for base in kind.__mro__ if any(name in vars(base) for name in names)]
    return bool(order) and methods[0] not in vars(order[0])


def _is_looked_through(kind: type) -> bool:
    owner = next((base for base in kind.__mro__ if "__getitem__" in vars(base)), object)
    return f"{owner.__module__}.{owner.__qualname__}" in _LOOKED_THROUGH
