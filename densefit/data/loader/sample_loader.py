"""Base class of loaders."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any

import numpy as np
from typing_extensions import Self

from densefit.data.batch import ArraySpec, Batch
from densefit.data.classes.class_map import Renames
from densefit.data.classes.renamed_classes import with_renames
from densefit.data.sample import Dataset
from densefit.data.sample_id import dataset_name
from densefit.errors import DataError
from densefit.numeric import check_whole


class SampleLoader(ABC):
    """Base of loaders: batches of a dataset's samples, prefetched by workers.

    Args:
        dataset: dataset of the samples.
        batch_size: rows of a full batch.
        rename: new names of the dataset's classes.

    Attributes:
        dataset: the dataset, with renamed classes.
        exact: whether an epoch visits each sample exactly once, as evaluation requires.

    Raises:
        ConfigError: a setting is out of range.
        DataError: the dataset is empty.
    """

    exact = True
    _ahead: Any  # the prefetcher

    _stated: Mapping[str, Any]  # settings of the constructor

    def __new__(cls, *parts: Any, **settings: Any) -> Self:
        """Record the settings for `with_dataset`."""
        loader = super().__new__(cls)
        loader._stated = {**settings, "rename": None}
        return loader

    def __init__(self, dataset: Dataset, batch_size: int, rename: Renames | None) -> None:
        if len(dataset) == 0:
            raise DataError("The dataset is empty", where=dataset_name(dataset))
        self.dataset: Any = with_renames(dataset, rename)
        self.batch_size = batch_size

    @property
    @abstractmethod
    def provide_data(self) -> list[ArraySpec]:
        """Spec of the input "data" of a full batch: (batch_size, 3, H, W) uint8."""

    @property
    def provide_label(self) -> list[ArraySpec]:
        """Specs of the labels of a full batch; empty for loaders that do not train."""
        return []

    @abstractmethod
    def __iter__(self) -> Iterator[Batch]:
        """Iterate over the batches of an epoch."""

    def reset(self) -> None:
        """Move to the start of an epoch; a no-op, since each iteration starts there."""
        return

    def with_dataset(self, dataset: Dataset) -> Self:
        """Make a loader with the same settings for another dataset, or for this one wrapped."""
        settings = {key: value for key, value in self._stated.items() if key != "dataset"}
        return type(self)(dataset, **settings)

    def close(self) -> None:
        """Stop the workers; another iteration starts new ones."""
        self._ahead.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def image_spec(rows: int, size: tuple[int, int]) -> ArraySpec:
    """Spec of `rows` images of (height, width)."""
    return ArraySpec("data", (rows, 3, *size), np.uint8)


def check_least(settings: Mapping[str, tuple[int | None, int]], where: str) -> None:
    """Raise ConfigError unless each setting is a whole number of at least its limit, or None.

    Args:
        settings: name -> (value, limit).
        where: the class that has them.
    """
    for name, (value, least) in settings.items():
        if value is not None:
            check_whole(value, name, least, where=where)
