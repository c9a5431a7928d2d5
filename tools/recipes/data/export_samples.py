"""Real samples that an exported model is compared and calibrated with."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from densefit.data.loader.loader import Loader
from densefit.data.subset import Subset
from densefit.errors import ConfigError, DataError
from densefit.tools.recipes.checkpoint_dataset import CheckpointDataset
from densefit.tools.recipes.data.loaders import score_loader
from densefit.tools.recipes.data.split_dataset import make_dataset
from densefit.tools.recipes.recipe import Data

_COMPARED, _CALIBRATED = 8, 128  # samples


@dataclass
class _Input:
    """Input of the network when samples are read."""

    input_size: tuple[int, int]
    resize: str
    score_batch_size: int = 4


class ExportSamples:
    """Real samples of the training's dataset, at the input size.

    Args:
        data: settings of the dataset.
        recipe: recipe of the training; empty if unknown.
        size: (height, width) of the network's input.
        resize: letterbox or stretch.
    """

    def __init__(
        self, data: Data, recipe: Mapping[str, Any], size: tuple[int, int], resize: str
    ) -> None:
        self._shape = _Input(size, resize)
        self._data: Data | None = data if recipe or data != Data() else None
        if recipe.get("datasets"):  # any of them shows whether the outputs are equal
            part = CheckpointDataset(recipe, next(iter(recipe["datasets"])))
            self._data = part.data(data)

    def for_check(self) -> Loader | None:
        """Samples of the test split; None, with a note, if they cannot be read."""
        data = self._data
        split = None if data is None else data.test or data.validation or data.train
        try:
            return None if split is None else self._loader(split, _COMPARED)
        except (ConfigError, DataError) as error:
            what = str(error.what).rstrip(".")
            print(f"checked on generated images: {what} ({error.where})", file=sys.stderr)
            return None

    def for_calibration(self, split: str) -> Loader:
        """Samples of a split, by which ranges of activations are measured."""
        return self._loader(split, _CALIBRATED)

    def _loader(self, split: str, count: int) -> Loader:
        """Samples at even distances in a split."""
        if self._data is None:
            raise ConfigError(
                "The checkpoint does not say which data it was trained on",
                fix="--data.dataset NAME --data.root DIR",
            )
        dataset = make_dataset(self._data, split)
        indices = np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round()
        return score_loader(self._shape, Subset(dataset, indices.astype(int).tolist()), self._data)
