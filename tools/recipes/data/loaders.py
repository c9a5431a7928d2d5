"""Datasets, transforms and loaders of a recipe."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from densefit.data.classes.renamed_classes import with_renames
from densefit.data.io.cache import cached
from densefit.data.loader.loader import Loader
from densefit.data.loader.sample_task import SampleTransform
from densefit.data.sample import Dataset, datasets
from densefit.data.transforms import Compose, transforms
from densefit.datasets.files.names import missing_split as unknown_split
from densefit.errors import ConfigError, DataError, MissingSplitError, located
from densefit.model.heads.head import Head
from densefit.tools.recipes.data.division import Division, division_of, whole
from densefit.tools.recipes.data.splits import missing_split, renames_of_split, takes_whole
from densefit.tools.recipes.parts import named
from densefit.tools.recipes.recipe import Data, Recipe


class Source(Protocol):
    """Settings of a dataset in a recipe."""

    dataset: str
    root: str | None
    settings: dict[str, Any]


def make_dataset(data: Source, split: str, where: str = "data") -> Dataset:
    """Make the dataset of a split; factories that take `root` and `split` receive them.

    If the settings divide the dataset, the split is a part of it.

    Args:
        data: settings of the dataset.
        split: name of the split.
        where: name of the settings, for errors.
    """
    division = division_of(data, where)
    if division is not None and (split in division.fractions or division.of is None):
        created = _divided(data, division, split, where)
    else:
        created = _opened(data, split, where)
    # A part of several datasets has no cache, and the mixture renames its classes.
    cache, rename = getattr(data, "cache", None), getattr(data, "rename", None)
    dataset = cached(created, cache, f"{where}.cache")
    rename = renames_of_split(data, split, created, rename or {})
    with located(f"{where}.rename, split {split!r}"):
        renamed: Dataset = with_renames(dataset, rename)
    return renamed


def _divided(data: Source, division: Division, split: str, where: str) -> Dataset:
    """A split that the recipe makes."""
    if split not in division.fractions:
        error = unknown_split(split, Path(f"{where}.splits"), list(division.fractions))
        raise missing_split(data, split, where, error)
    key = (data.dataset, data.root, data.settings, division.of)
    dataset = whole(key, lambda: _opened(data, division.of, where))
    return division.part(dataset, split, data.root, where)


def _opened(data: Source, split: str | None, where: str) -> Dataset:
    """The dataset of one of its own splits; None: of all samples."""
    factory = datasets.get(data.dataset)
    taken = inspect.signature(factory).parameters
    settings: dict[str, Any] = dict(data.settings)
    if "root" in taken:
        if data.root is None:
            raise ConfigError(
                f"The dataset {data.dataset!r} needs its folder", fix=f"--{where}.root DIR"
            )
        settings["root"] = data.root
    if "split" in taken and split is not None:
        settings["split"] = split
    elif takes_whole(data.dataset):
        settings.setdefault("split", None)  # all samples
    elif "split" in taken and "split" not in settings:
        raise ConfigError(
            f"The dataset {data.dataset!r} has splits of its own: which one is divided?",
            where=f"{where}.splits",
            fix=f"--{where}.splits.of {taken['split'].default}",
        )
    try:
        return datasets.create(data.dataset, **settings)
    except (DataError, OSError) as error:
        if "root" not in settings or not _is_missing_folder(str(settings["root"])):
            if isinstance(error, MissingSplitError):
                raise missing_split(data, split, where, error) from error
            raise
        root = Path(settings["root"])
        raise DataError(
            f"The folder of the dataset {data.dataset!r} is not there",
            received=root if root.is_absolute() else f"{root}, in {Path.cwd()}",
            where=f"{where}.root",
            fix=f"--{where}.root DIR",
        ) from error


def _is_missing_folder(root: str) -> bool:
    """Whether a root is a local folder, and no address or pattern of files, that is not there."""
    return "://" not in root and not root.endswith(".tar") and not Path(root).is_dir()


class Input(Protocol):
    """Settings of a recipe for the network's input when scoring."""

    input_size: tuple[int, int]
    resize: str
    score_batch_size: int


def fitting(recipe: Input) -> Any:
    """Make the transform that resizes an image to the input size."""
    if recipe.resize not in ("letterbox", "stretch"):
        raise ConfigError(
            "Unknown way to resize", expected="letterbox or stretch", received=recipe.resize
        )
    height, width = recipe.input_size
    name = "letterbox" if recipe.resize == "letterbox" else "resize"
    return transforms.create(name, height=height, width=width)


def augmenting(augment: Sequence[Mapping[str, Any]], recipe: Input) -> Compose:
    """Make the training transforms; without a crop, a resize to the input size comes last.

    Transforms of fixed size and scales relative to the input use the recipe's `input_size` by
    default.
    """
    steps = [named(transforms, sized(step, recipe.input_size), "augment") for step in augment]
    if Compose(steps).output_size is None:
        steps.append(fitting(recipe))
    return Compose(steps)


def sized(step: Mapping[str, Any], input_size: Sequence[int]) -> dict[str, Any]:
    """Complete a transform's settings with the input size, for parameters that are not set.

    Args:
        step: name and settings.
        input_size: (height, width) of the network's input, in pixels.
    """
    settings = dict(step)
    name = settings.get("name")
    if name not in transforms.names():  # the registry says what is wrong with it
        return settings
    taken = inspect.signature(transforms.get(name)).parameters
    height, width = input_size
    if "height" in taken and not {"height", "width"} & set(settings):
        settings.update(height=height, width=width)
    if "input_size" in taken:
        settings.setdefault("input_size", (height, width))
    return settings


def train_loader(
    recipe: Recipe,
    dataset: Dataset,
    heads: Sequence[Head],
    transform: SampleTransform | None = None,
) -> Loader:
    """Make a loader of shuffled, augmented batches; a smaller last one is dropped (BatchNorm).

    Args:
        recipe: the settings.
        dataset: the training data.
        heads: heads to train.
        transform: by default the recipe's.
    """
    return Loader(
        dataset,
        batch_size=recipe.training.batch_size,
        transform=transform or augmenting(recipe.training.augment, recipe),
        heads=heads,
        workers=recipe.data.workers,
        worker_kind=recipe.data.worker_kind,
        shuffle=True,
        seed=recipe.seed,
        last="drop" if len(dataset) >= recipe.training.batch_size else "keep",
        on_error=recipe.data.on_error,
        originals=False,
    )


def score_loader(recipe: Input, dataset: Dataset, data: Data) -> Loader:
    """Make a loader of every sample once, in order, without augmentation.

    Args:
        recipe: settings of the network's input.
        dataset: to score.
        data: settings of the workers, and what becomes of broken samples.
    """
    if data.score_on_error not in ("raise", "skip"):
        raise ConfigError(
            "Unknown way to treat broken samples that are scored",
            expected="raise or skip",
            received=repr(data.score_on_error),
            where="data.score_on_error",
        )
    return Loader(
        dataset,
        batch_size=recipe.score_batch_size,
        transform=fitting(recipe),
        workers=data.workers,
        on_error="leave_out" if data.score_on_error == "skip" else "raise",
    )
