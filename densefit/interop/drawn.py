"""Check of the samples that a DataLoader's sampler, or a user's batches of indices, draw."""

from __future__ import annotations

import copy
import logging
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from densefit.errors import DataError
from densefit.interop.foreign_source import ForeignSource
from densefit.interop.loader_settings import length_of
from densefit.once import warn_once

_log = logging.getLogger("densefit")
_SECONDS = 1.0  # a sampler may read the dataset to choose
_COMPLETE = {"SequentialSampler", "RandomSampler"}  # with each sample of a pass once
_LIBRARIES = ("mxnet.", "torch.")


def repeated(loader: Any) -> int | None:
    """Return the index of a sample that a DataLoader draws twice in a pass; None if none is.

    Two passes are drawn from a copy of a user's sampler, and the random states of numpy, Python
    and PyTorch are restored. Warns once if the sampler cannot be checked or leaves samples out.

    >>> from mxnet import gluon
    >>> data = gluon.data.ArrayDataset(np.arange(4))
    >>> repeated(gluon.data.DataLoader(data, batch_sampler=[[0, 1], [2, 1]]))
    1

    Args:
        loader: gluon's or PyTorch's DataLoader; None is returned for anything else.
    """
    batches = getattr(loader, "_batch_sampler", getattr(loader, "batch_sampler", None))
    count = length_of(getattr(loader, "_dataset", getattr(loader, "dataset", None)))
    sampler = getattr(batches, "_sampler", getattr(batches, "sampler", None))
    if batches is None or not count:
        return None
    drawing = batches if sampler is None else sampler
    kind, name = type(drawing), type(drawing).__name__
    is_library = f"{kind.__module__}.".startswith(_LIBRARIES)
    if is_library and name in _COMPLETE:
        return None
    passes = _passes(drawing, count, is_batches=sampler is None)
    for numbers in passes or ():
        if len(set(numbers)) < len(numbers):
            return next(number for index, number in enumerate(numbers) if number in numbers[:index])
    if passes is None or set(passes[0]) != set(passes[1]):
        why = "" if passes is None else ", other ones in each pass"
        warn_once(
            _log,
            "Which of the %d samples %s draws, a %s of your own, is not checked%s: the scores are "
            "of those that come, as often as they come",
            *(count, type(loader).__name__, name, why),
        )
    elif len(passes[0]) < count and not is_library:  # a library's sampler says so by its name
        warn_once(
            _log,
            "%s draws %d of %d samples by its %s: the scores are of these",
            *(type(loader).__name__, len(passes[0]), count, name),
        )
    return None


class OwnBatches(ForeignSource):
    """Source of a DataLoader with a user's batch sampler.

    Args:
        iterator: iterator over the loader's batches.
        loader: the DataLoader, or any other iterable.
    """

    def __init__(self, iterator: Any, loader: Any) -> None:
        super().__init__(iterator)
        self._loader = loader

    def check_passes(self, passes: int) -> None:
        """Raise DataError if a sample occurs twice in the batches."""
        number = repeated(self._loader)
        if number is not None:
            raise DataError(
                f"These data cannot give every sample exactly once: the batch_sampler draws sample "
                f"{number} twice",
                expected="every sample once in each scoring pass",
                received=type(self._loader).__name__,
                fix="a loader without a batch_sampler of your own, or one that draws each once",
            )


def _passes(drawing: Any, count: int, is_batches: bool) -> list[list[int]] | None:
    """Return the indices that two passes draw; None if the sampler cannot be checked."""
    latest = time.monotonic() + _SECONDS
    try:
        if isinstance(drawing, Iterator):  # can be read only once
            return None
        twin = copy.copy(drawing)
        for name, value in vars(twin).items() if hasattr(twin, "__dict__") else ():
            if isinstance(value, (np.random.RandomState, np.random.Generator, random.Random)):
                setattr(twin, name, copy.deepcopy(value))
        with _random_kept():
            return [_numbers(twin, count, is_batches, latest) for _ in range(2)]
    except Exception:
        return None


def _numbers(drawing: Any, count: int, is_batches: bool, latest: float) -> list[int]:
    """Return the indices that one pass draws, stopping as soon as one must be a repeat."""
    numbers: list[int] = []
    for item in drawing:
        for number in item if is_batches else [item]:  # negative indices count from the end
            numbers.append(int(number) + (count if number < 0 else 0))
        if len(numbers) > count:
            break
        if time.monotonic() > latest:
            raise TimeoutError
    return numbers


@contextmanager
def _random_kept() -> Iterator[None]:
    """Restore the random states that samplers use when the block ends."""
    torch = sys.modules.get("torch")
    states = np.random.get_state(), random.getstate()
    torch_state = None if torch is None else torch.random.get_rng_state()
    try:
        yield
    finally:
        np.random.set_state(states[0])
        random.setstate(states[1])
        if torch is not None:
            torch.random.set_rng_state(torch_state)
