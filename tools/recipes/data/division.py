"""Splits of a dataset that a recipe makes, where the dataset has none of its own."""

from __future__ import annotations

import inspect
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from densefit.data.hash_split import hash_split
from densefit.data.sample import Dataset, datasets
from densefit.data.sample_id import sample_id
from densefit.data.stable_repr import stable_repr
from densefit.data.subset import Subset
from densefit.data.wrapped import attribute_of
from densefit.errors import ConfigError, DataError
from densefit.tools.recipes.data.groups import sample_groups

EXAMPLE = "{train: 0.7, val: 0.15, test: 0.15}"
#: Value of `of`: all samples, also of a dataset with splits of its own.
ALL = "all"
#: Value of `existing`: where the dataset has splits of its own, these are used.
KEEP = "keep"
_ROUNDING = 1e-6  # of the sum of the fractions
_wholes: ContextVar[dict[str, Dataset] | None] = ContextVar("wholes", default=None)


@dataclass(frozen=True)
class Division:
    """How a dataset is divided into splits.

    Attributes:
        fractions: split -> its part of the samples.
        seed: of the hash.
        of: the dataset's own split that is divided; "all": all samples; None: all samples of a
            dataset without splits.
        group_by: what keeps samples together, see `sample_groups`; None: nothing.
        keeps_existing: whether a dataset with splits of its own keeps them; else it is an error.
    """

    fractions: Mapping[str, float]
    seed: int = 0
    of: str | None = None
    group_by: str | None = None
    keeps_existing: bool = False

    @property
    def divides_all(self) -> bool:
        """Whether all samples are divided."""
        return self.of in (None, ALL)

    def __str__(self) -> str:
        parts = ", ".join(f"{name}: {part:g}" for name, part in sorted(self.fractions.items()))
        more = f", seed: {self.seed}" + ("" if self.of is None else f", of: {self.of}")
        return f"{{{parts}{more}}}" + ("" if self.group_by is None else f" by {self.group_by}")

    def part(self, dataset: Dataset, split: str, root: str | None, where: str) -> DividedSplit:
        """The samples of a split.

        Args:
            dataset: all samples.
            split: one of the fractions.
            root: the dataset's folder.
            where: name of the settings, for errors.

        Raises:
            DataError: a split is empty, or a sample has no group.
        """
        if self.group_by is None:
            names = [sample_id(dataset, index) for index in range(len(dataset))]
        else:
            names = sample_groups(dataset, self.group_by, root, f"{where}.group_by")
        splits = hash_split(names, self.fractions, self.seed)
        counts = Counter({name: 0 for name in self.fractions})
        counts.update(splits)
        about = ", ".join(f"{name} {count}" for name, count in counts.items())
        about += f" of {len(names)} samples"
        if self.group_by is not None:
            groups = len(set(names))
            about += f" in {groups} group{'s' * (groups != 1)}"
        empty = [name for name, count in counts.items() if not count]
        if empty:
            raise DataError(
                f"The split {empty[0]!r} has no samples",
                received=about,
                where=f"{where}.splits {self}",
                fix="another seed, or a larger fraction"
                + ("" if self.group_by is None else ", or smaller groups"),
            )
        indices = [index for index, name in enumerate(splits) if name == split]
        return DividedSplit(dataset, indices, f"{split} of {self}", about)


class DividedSplit(Subset):
    """A split that a recipe has made.

    Attributes:
        division: counts of all splits, for messages.
    """

    def __init__(self, dataset: Dataset, indices: list[int], name: str, division: str) -> None:
        super().__init__(dataset, indices, name)
        self.division = division


def division_of(data: Any, where: str) -> Division | None:
    """The division that settings of a dataset describe, or None.

    Args:
        data: with `splits` and `group_by`.
        where: name of the settings, for errors.

    Raises:
        ConfigError: the settings are no division.
    """
    settings, group_by = getattr(data, "splits", None), getattr(data, "group_by", None)
    if settings is None:
        if group_by is not None:
            raise ConfigError(
                "Groups are of splits that the recipe makes, and it makes none",
                received=f"group_by {group_by}",
                where=f"{where}.group_by",
                fix=f"--{where}.splits '{EXAMPLE}'",
            )
        return None
    parts = {
        name: value for name, value in settings.items() if name not in ("seed", "of", "existing")
    }
    seed, of = settings.get("seed", 0), settings.get("of")
    existing = settings.get("existing")
    numbers = [value for value in parts.values() if _is_fraction(value)]
    is_whole = math.isclose(math.fsum(numbers), 1.0, abs_tol=_ROUNDING)
    if len(numbers) < len(parts) or not is_whole:
        raise ConfigError(
            "Splits are fractions of the samples whose sum is 1",
            expected=f"such as {EXAMPLE}",
            received=f"{settings}, the sum of {math.fsum(numbers):g}",
            where=f"{where}.splits",
        )
    if (
        type(seed) is not int
        or not (of is None or isinstance(of, str))
        or existing not in (None, KEEP)
    ):
        raise ConfigError(
            "The seed is a whole number, `of` a split or 'all', and `existing` is 'keep'",
            received=f"seed {seed!r}, of {of!r}, existing {existing!r}",
            where=f"{where}.splits",
        )
    fractions = {str(name): float(value) for name, value in parts.items()}
    return Division(fractions, seed, of, group_by, existing == KEEP)


def _is_fraction(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 1


def check_divided(data: Any, where: str) -> None:
    """Raise ConfigError if several splits of a recipe would be the same samples.

    Args:
        data: settings of the dataset.
        where: name of the settings.
    """
    if "split" in inspect.signature(datasets.get(data.dataset)).parameters:
        return
    keys = [key for key in ("train", "validation", "test") if getattr(data, key, None) is not None]
    if getattr(data, "splits", None) is None and len(keys) > 1:
        raise ConfigError(
            f"The dataset {data.dataset!r} has no splits: these would be the same samples",
            received=", ".join(f"{key} {getattr(data, key)}" for key in keys),
            where=where,
            fix=f"--{where}.splits '{EXAMPLE}'; or --{where}.validation null --{where}.test null",
        )


def check_distinct(data: Mapping[str, Dataset]) -> None:
    """Raise DataError if two splits are the same images, since their dataset has no splits.

    A dataset says so by `has_splits`. Lists that name the same images are taken as they are.

    Args:
        data: datasets by split, or by "<dataset>/<split>".
    """
    first: dict[tuple[int, tuple[str, ...]], str] = {}
    for split, dataset in data.items():
        files = _some_files(dataset)
        other = first.setdefault((len(dataset), files), split)
        if files and other != split:
            raise DataError(
                f"The splits {other!r} and {split!r} are the same images",
                received=f"{len(dataset)} images each, among them {files[0]}",
                where=f"data, {dataset!r}",
                fix="folders and files of a split are named with {split} in them; or, where there "
                f"are none, leave the dataset's split out ({{split: null}}) and --data.splits "
                f"'{EXAMPLE}'",
            )


def _some_files(dataset: Dataset) -> tuple[str, ...]:
    """Files of the first, the middle and the last image of a dataset without splits; else ()."""
    find = getattr(dataset, "picture_file", None)
    if attribute_of(dataset, "has_splits") is not False or find is None or not len(dataset):
        return ()
    try:
        return tuple(str(find(index)) for index in (0, len(dataset) // 2, len(dataset) - 1))
    except DataError:  # the check of the data tells it
        return ()


@contextmanager
def read_once() -> Iterator[None]:
    """Within the outermost such block, the splits of a division share a dataset, read once."""
    if _wholes.get() is not None:
        yield
        return
    token = _wholes.set({})
    try:
        yield
    finally:
        _wholes.reset(token)


def whole(key: Any, make: Callable[[], Dataset]) -> Dataset:
    """`make()`, or its earlier result for an equal key within `read_once`."""
    wholes = _wholes.get()
    if wholes is None:
        return make()
    text = stable_repr(key)
    if text not in wholes:
        wholes[text] = make()
    return wholes[text]


def division_lines(data: Mapping[str, Dataset]) -> list[str]:
    """A line for each division, with the counts of its splits.

    Args:
        data: datasets by split, or by "<dataset>/<split>".
    """
    lines: dict[str, None] = {}
    for name, dataset in data.items():
        counts = attribute_of(dataset, "division")
        if counts is not None:
            prefix = name.rpartition("/")[0]
            lines[f"{prefix}: {counts}" if prefix else f"data: {counts}"] = None
    return list(lines)
