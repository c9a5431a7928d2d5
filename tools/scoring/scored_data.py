"""The data that a checkpoint is scored on: the split and the dataset of the settings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from densefit.data.sample import Dataset
from densefit.model.network import Network
from densefit.tools.recipes.checkpoint_dataset import CheckpointDataset
from densefit.tools.recipes.checkpoint_settings import recipe_of
from densefit.tools.recipes.data.split_dataset import make_dataset
from densefit.tools.recipes.recipe import Data
from densefit.tools.scoring.scored_split import scored_split


class Settings(Protocol):
    """Settings of a program that scores a checkpoint; a dataclass."""

    split: str | None
    of: str | None
    resize: str
    data: Data


Kind = TypeVar("Kind", bound=Settings)


@dataclass(frozen=True)
class ScoredData(Generic[Kind]):
    """Data to score.

    Attributes:
        settings: the settings, with those of the dataset.
        dataset: the samples.
        split: name of the split.
        why: why it is this one.
        part: name of the dataset, of a checkpoint that was trained on several; else empty.
    """

    settings: Kind
    dataset: Dataset
    split: str
    why: str
    part: str = ""

    def __str__(self) -> str:
        of = f" of {self.part!r}" if self.part else ""
        return f"split {self.split!r}{of}, {len(self.dataset):,} samples: {self.why}"


def scored_data(chosen: Kind, checkpoint: Path, network: Network) -> ScoredData[Kind]:
    """Open the data that settings name.

    Args:
        chosen: the settings, with those of the recipe as defaults.
        checkpoint: path of the checkpoint.
        network: its network.

    Raises:
        ConfigError: no split, or no dataset of several is named.
    """
    recipe = recipe_of(checkpoint)
    part = CheckpointDataset(recipe, chosen.of) if recipe.get("datasets") else None
    if part is not None:
        original_size = chosen.resize == "none"  # set on the command line: no recipe trains so
        resize = "none" if original_size else part.part.resize or chosen.resize
        changed: dict[str, object] = {"data": part.data(chosen.data), "resize": resize}
        chosen = replace(chosen, **changed)  # type: ignore[type-var]
    split, why = scored_split(chosen.split, chosen.data)
    dataset = make_dataset(chosen.data, split)
    if part is None:
        return ScoredData(chosen, dataset, split, why)
    return ScoredData(chosen, part.as_trained(dataset, network.heads), split, why, part.name)
