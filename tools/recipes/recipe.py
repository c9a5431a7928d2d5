"""Typed settings of a training: the recipes in configs/ and their overrides."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from densefit.backend import mx
from densefit.callbacks.callback import Callback, callbacks
from densefit.data.classes.renamed_classes import with_renames
from densefit.data.io.cache import cached
from densefit.data.loader.loader import Loader
from densefit.data.loader.sample_task import SampleTransform
from densefit.data.sample import Dataset, datasets
from densefit.data.transforms import Compose, transforms
from densefit.errors import ConfigError, DataError, MissingSplitError, located
from densefit.model.heads.head import Head
from densefit.model.network import Network
from densefit.registry import Registry
from densefit.tools.recipes.splits import missing_split, renames_of_split
from densefit.train.balance import Balancer, balancers
from densefit.train.layer_decay import layer_decay
from densefit.train.nonfinite import Guard
from densefit.train.schedules import Schedule, schedules


@dataclass
class Data:
    """Where the samples come from.

    Args:
        dataset: a registered dataset: voc, coco, mask_folder, image_folder, shapes, ...
        root: its folder; generated datasets have none.
        train: name of the split to train on.
        validation: name of the split to validate on while training; null for none.
        test: name of the split to score at the end; null for none.
        settings: further settings of the dataset.
        rename: its name of a class or keypoint -> another, or null to drop the class; two of one
            name become one.
        workers: how many read and transform; null for as many as there are CPUs, up to 8.
        worker_kind: threads or processes; scoring always takes threads.
        on_error: what a broken training sample does: raise or skip. Scoring never skips.
        cache: where decoded samples are kept, as far as they fit: {memory: 2GiB} of each split, or
            {folder: DIR, disk: 20GiB}; null for nowhere.
    """

    dataset: str = "shapes"
    root: str | None = None
    train: str = "train"
    validation: str | None = "val"
    test: str | None = "test"
    settings: dict[str, Any] = field(default_factory=dict)
    rename: dict[str, str | None] = field(default_factory=dict)
    workers: int | None = None
    worker_kind: str = "threads"
    on_error: str = "raise"
    cache: dict[str, Any] | None = None


@dataclass
class Model:
    """The network.

    Args:
        backbone: a registered backbone: resnet18, resnet34, resnet50, mobilenetv2.
        settings: of the backbone, e.g. width.
        heads: name of a head -> its settings; `task` says which, and is the name by default.
        output_stride: of the backbone; null for the smallest that a head asks for.
    """

    backbone: str = "resnet18"
    settings: dict[str, Any] = field(default_factory=dict)
    heads: dict[str, dict[str, Any]] = field(default_factory=dict)
    output_stride: int | None = None


@dataclass
class Training:
    """How it is trained.

    Args:
        epochs: length of the training.
        batch_size: samples an update.
        optimizer: MXNet's name of an optimizer.
        optimizer_params: its settings, without the learning rate; by default momentum 0.9, of
            those that have one, and wd 1e-4.
        schedule: name (constant, step, poly, linear, cosine, cosine_restarts, one_cycle,
            exponential, inverse_square_root, joined, plateau) and settings of the learning rate.
        augment: random transforms, in order: name and settings each.
        validate_every: e.g. 1ep, 500st, 10%.
        best: the number that the best checkpoint is chosen by, "<head>/<metric>", or "composite",
            the mean of all heads' first ones.
        keep: how many of the last checkpoints are kept, beside the best.
        accumulate: micro-batches of batch_size an update.
        clip_norm: the largest norm of the gradient; null for none.
        nonfinite: what a loss or gradient that is not finite does: raise, skip or rollback; or
            {policy, limit, factor}, how often at most and with which factor on the rate.
        groups: pattern of parameter names -> lr and wd, factors on rate and decay.
        layer_decay: factor on the rate for each layer that is nearer to the picture; null for none.
        balance: name (fixed, uncertainty, dwa, ...) and settings of what shares the training
            among several heads; null adds up their losses.
        conflict: batches on which the cosine between the heads' gradients is measured at the end,
            into conflict.json; 0 for none.
        freeze: patterns of parameters that are not trained.
        ema: decay of a moving average of the weights, which is then what is scored and kept.
        precision: float32 or bfloat16.
        callbacks: name and settings each: csv, early_stopping, finite, jsonl, memory, profiler,
            tensorboard, time_budget; paths lie in the run's folder.
    """

    epochs: int = 10
    batch_size: int = 8
    optimizer: str = "sgd"
    optimizer_params: dict[str, Any] = field(default_factory=lambda: {"momentum": 0.9, "wd": 1e-4})
    schedule: dict[str, Any] = field(
        default_factory=lambda: {"name": "cosine", "lr": 0.01, "warmup": "5%"}
    )
    augment: list[dict[str, Any]] = field(default_factory=list)
    validate_every: str = "1ep"
    best: str | None = None
    keep: int = 1
    accumulate: int = 1
    clip_norm: float | None = None
    nonfinite: str | dict[str, Any] = "raise"
    groups: dict[str, dict[str, float]] = field(default_factory=dict)
    layer_decay: float | None = None
    balance: dict[str, Any] | None = None
    conflict: int = 0
    freeze: list[str] = field(default_factory=list)
    ema: float | None = None
    precision: str = "float32"
    callbacks: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Recipe:
    """Everything that makes a training.

    Args:
        input_size: height and width of the network's input. Pictures are scored at this size;
            transforms of training that state no size have it, and scales refer to it.
        resize: how a picture is brought to it: letterbox (keeps proportions) or stretch.
        score_batch_size: samples a batch when scoring.
        out: the run's folder: config, scalars, checkpoints, curves and pictures.
        seed: of everything random.
        resume: auto (from the run's own newest checkpoint), a checkpoint's path, or none.
        init_from: a checkpoint, or a run's folder, with whose weights the training begins.
        init_mismatched: what weights of another shape do (of heads for other classes, say): raise
            or skip.
    """

    data: Data = field(default_factory=Data)
    model: Model = field(default_factory=Model)
    training: Training = field(default_factory=Training)
    input_size: tuple[int, int] = (96, 96)
    resize: str = "letterbox"
    score_batch_size: int = 8
    out: str = "runs/latest"
    seed: int = 0
    resume: str = "none"
    init_from: str | None = None
    init_mismatched: str = "raise"

    def adjust(self, given: Set[str]) -> None:
        """Leave out the default momentum for an optimizer that has none.

        Args:
            given: dotted keys that the user wrote.
        """
        key, kind = (
            "training.optimizer_params",
            mx.optimizer.Optimizer.opt_registry.get(self.training.optimizer.lower()),
        )
        if kind is not None and not given & {key, f"{key}.momentum"}:
            if "momentum" not in inspect.signature(kind).parameters:
                self.training.optimizer_params.pop("momentum", None)


class Source(Protocol):
    """Settings of a dataset in a recipe."""

    dataset: str
    root: str | None
    settings: dict[str, Any]


def make_dataset(data: Source, split: str, where: str = "data") -> Dataset:
    """Make the dataset of a split; factories that take `root` and `split` receive them.

    Args:
        data: settings of the dataset.
        split: name of the split.
        where: name of the settings, for errors.
    """
    factory = datasets.get(data.dataset)
    taken = inspect.signature(factory).parameters
    settings: dict[str, Any] = dict(data.settings)
    if "root" in taken:
        if data.root is None:
            raise ConfigError(
                f"The dataset {data.dataset!r} needs its folder", fix=f"--{where}.root DIR"
            )
        settings["root"] = data.root
    if "split" in taken:
        settings["split"] = split
    # A part of several datasets has no cache, and the mixture renames its classes.
    cache, rename = getattr(data, "cache", None), getattr(data, "rename", None)
    try:
        created = datasets.create(data.dataset, **settings)
    except MissingSplitError as error:
        raise missing_split(data, split, where, error) from error
    except (DataError, OSError) as error:
        if "root" not in settings or Path(settings["root"]).is_dir():
            raise
        root = Path(settings["root"])
        raise DataError(
            f"The folder of the dataset {data.dataset!r} is not there",
            received=root if root.is_absolute() else f"{root}, in {Path.cwd()}",
            where=f"{where}.root",
            fix=f"--{where}.root DIR",
        ) from error
    dataset = cached(created, cache, f"{where}.cache")
    rename = renames_of_split(data, split, created, rename or {})
    with located(f"{where}.rename, split {split!r}"):
        renamed: Dataset = with_renames(dataset, rename)
    return renamed


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


def score_loader(recipe: Input, dataset: Dataset, workers: int | None) -> Loader:
    """Make a loader of every sample once, in order, without augmentation."""
    return Loader(
        dataset,
        batch_size=recipe.score_batch_size,
        transform=fitting(recipe),
        workers=workers,
    )


def make_callbacks(training: Training, out: Path) -> list[Callback]:
    """Make the recipe's callbacks; their files are written to the run's folder."""
    created = []
    for settings in training.callbacks:
        paths = {
            key: out / settings[key]
            for key in ("path", "directory")
            if settings.get(key) is not None
        }
        created.append(named(callbacks, {**settings, **paths}, "training.callbacks"))
    return created


def make_guard(training: Training) -> Guard:
    """Make the guard against losses and gradients that are not finite."""
    settings = training.nonfinite
    try:
        return Guard(settings) if isinstance(settings, str) else Guard(**settings)
    except TypeError as error:
        raise ConfigError(
            "These are not the settings of a guard",
            expected="policy, limit and factor",
            received=settings,
            where="training.nonfinite",
        ) from error


def make_groups(training: Training, network: Network) -> dict[str, dict[str, float]]:
    """Factors on learning rate and weight decay, by patterns of parameter names."""
    by_layer = {} if training.layer_decay is None else layer_decay(network, training.layer_decay)
    return {**by_layer, **training.groups}


def make_schedule(training: Training) -> Schedule:
    """Make the learning-rate schedule."""
    return named(schedules, training.schedule, "schedule")


def make_balancer(training: Training) -> Balancer | None:
    """Make the loss balancer; None adds up the heads' losses."""
    return None if training.balance is None else named(balancers, training.balance, "balance")


def named(registry: Registry[Any], settings: Mapping[str, Any], where: str) -> Any:
    """Create the registered object that `{"name": ..., **settings}` describes."""
    if "name" not in settings:
        raise ConfigError(
            f"A {registry.kind} of the recipe has no name",
            received=dict(settings),
            where=where,
            fix=f"name: one of {', '.join(registry.names())}",
        )
    arguments = {key: value for key, value in settings.items() if key != "name"}
    return registry.create(settings["name"], **arguments)
