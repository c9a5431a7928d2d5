"""Which targets the samples of a dataset have, by its annotations, without reading a picture."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import accumulate, chain
from typing import Any, TypeVar

_DEEPEST = 16  # wrappers in wrappers
_METHOD = "targets_of"
_BULK = "all_targets"  # of wrappers: the same of all samples, each inner dataset asked at once
_MANY = 8  # a smaller part of a dataset is asked for by its places
_Answer = TypeVar("_Answer")
_answers: ContextVar[dict[tuple[str, int], tuple[Any, Any]] | None] = ContextVar(
    "answers", default=None
)


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
            return (found,) if isinstance(found, str) else found
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


#: Classes that give the samples of what they wrap as they are.
_LOOKED_THROUGH = ("torch.utils.data.dataset.Subset", "torch.utils.data.dataset.ConcatDataset")


def all_targets(dataset: Any) -> list[frozenset[str]] | None:
    """The targets of each sample; None where the dataset does not say that of all.

    One call for each sample, or one for all to a wrapper that has a method `all_targets()`.
    Samples with the same targets share one set.
    """
    return answer("targets", dataset, _all_targets)


def _all_targets(dataset: Any) -> list[frozenset[str]] | None:
    kind = type(dataset)
    if hasattr(kind, _BULK) and not _is_overridden(kind, _BULK, _METHOD):
        said: list[frozenset[str]] | None = dataset.all_targets()
        return said
    if _is_looked_through(kind):
        several, inner = getattr(dataset, "datasets", None), getattr(dataset, "dataset", None)
        if isinstance(several, (list, tuple)):
            parts = [part for part in map(all_targets, several) if part is not None]
            return in_sets(chain(*parts)) if len(parts) == len(several) else None
        if inner is not None and len(inner) <= _MANY * len(dataset):
            whole = all_targets(inner)
            return None if whole is None else [whole[int(place)] for place in dataset.indices]
    says: Callable[[int], Collection[str] | None]
    if hasattr(kind, _METHOD) and not _is_overridden(kind):
        says = dataset.targets_of  # looked up once, and not for each sample
    else:

        def says(index: int) -> Collection[str] | None:
            return targets_of(dataset, index)

    return in_sets(map(says, range(len(dataset))))


def in_sets(targets: Iterable[Collection[str] | None]) -> list[frozenset[str]] | None:
    """Names of the targets of samples as sets, equal ones the same; None if one is None."""
    sets: dict[frozenset[str], frozenset[str]] = {}
    found: list[frozenset[str]] = []
    last: Collection[str] | None = None
    for names in targets:
        if names is None:
            return None
        if last is None or not isinstance(names, tuple) or names != last:
            as_set = frozenset((names,) if isinstance(names, str) else names)
            as_set = sets.setdefault(as_set, as_set)
            last = names if isinstance(names, tuple) else None
        found.append(as_set)
    return found


@contextmanager
def ask_once() -> Iterator[None]:
    """Within this block, ask each dataset once which targets it has.

    Datasets of 100,000 samples are asked by several checks of a loader's start. Answers are dropped
    at the end of the block, since a dataset may grow, or be labelled further, before the next.
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
    """What `ask(dataset)` returns; within `ask_once` it is called once for each dataset."""
    answers = _answers.get()
    if answers is None:
        with ask_once():
            return ask(dataset)
    key = (question, id(dataset))
    if key not in answers:
        answers[key] = (dataset, ask(dataset))  # the dataset lives as long as its id is a key
    found: _Answer = answers[key][1]
    return found


def _is_overridden(kind: type, *methods: str) -> bool:
    methods = methods or (_METHOD,)
    names = (*methods, "__getitem__")
    order = [one for one in kind.__mro__ if any(name in vars(one) for name in names)]
    return bool(order) and methods[0] not in vars(order[0])


def _is_looked_through(kind: type) -> bool:
    owner = next((one for one in kind.__mro__ if "__getitem__" in vars(one)), object)
    return f"{owner.__module__}.{owner.__qualname__}" in _LOOKED_THROUGH
