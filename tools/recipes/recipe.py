"""Typed settings of a training: the recipes in configs/ and their overrides."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Collection, Set
from dataclasses import dataclass, field
from typing import Any

from densefit.yaml_files.paths import files_field
from densefit.yaml_files.sizes import SIZE

#: Optimizers without a setting `momentum`.
WITHOUT_MOMENTUM = frozenset(
    (
        *("adadelta", "adagrad", "adam", "adamax", "adamw", "ccsgd", "ftml", "ftrl"),
        *("groupadagrad", "lamb", "nadam", "rmsprop", "sgld", "test"),
    )
)


@dataclass
class Data:
    """Where the samples come from.

    Args:
        dataset: a registered dataset: voc, coco, mask_folder, image_folder, shapes, ...
        root: its folder; generated datasets have none.
        train: name of the split to train on.
        validation: name of the split to validate on while training; null for none.
        test: name of the split to score at the end; null for none.
        splits: splits that are made of a dataset without any, e.g. {train: 0.7, val: 0.15, test:
            0.15, seed: 0}, by a hash of each sample's id and the seed: samples that are added move
            no others. A dataset that has splits is refused, unless `of: train` divides that split
            (its other splits stay), `of: all` all samples, or `existing: keep` uses them.
        group_by: keeps samples together in one of these splits: folder (of the image), a regular
            expression with one group that is looked for in ids and paths, such as (patient\\d+)_,
            or a table, FILE.csv, with the columns id and group.
        settings: further settings of the dataset.
        rename: its name of a class or keypoint -> another, or null to drop the class; two of one
            name become one.
        workers: how many read and transform; null for as many as there are CPUs, up to 8.
        worker_kind: threads or processes; scoring always takes threads.
        on_error: what a broken training sample does: raise or skip.
        score_on_error: what a broken sample does that is scored: raise or skip. The score then
            says of how many samples it is, and is the best of none of another number.
        check: whether annotations, files and headers of all splits are checked before the first
            update: true, false, or deep, which decodes every image.
        cache: where decoded samples are kept, as far as they fit: {memory: 2GiB} of each split, or
            {folder: DIR, disk: 20GiB}; null for nowhere.
    """

    dataset: str = "shapes"
    root: str | None = None
    train: str = "train"
    validation: str | None = "val"
    test: str | None = "test"
    splits: dict[str, Any] | None = None
    group_by: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    rename: dict[str, str | None] = field(default_factory=dict)
    workers: int | None = None
    worker_kind: str = "threads"
    on_error: str = "raise"
    score_on_error: str = "raise"
    check: bool | str = True
    cache: dict[str, Any] | None = None


@dataclass
class Model:
    """The network.

    Args:
        backbone: a registered backbone: resnet18, resnet34, resnet50, resnet101, resnet152,
            resnet18d, resnet34d, resnet50d, resnet101d, resnet152d, resnet18_v2, resnet34_v2,
            resnet50_v2, resnet101_v2, resnet152_v2, resnext50_32x4d, resnext101_32x8d, vgg16,
            vgg16_bn, mobilenetv2, mobilenetv3_small, mobilenetv3_large, efficientnet_b0,
            efficientnet_b1, efficientnet_b2, efficientnet_b3, efficientnet_lite0,
            efficientnet_lite1, efficientnet_lite2, regnety_400mf, convnext_tiny, darknet53,
            cspdarknet_s, hrnet_w18, ddrnet23_slim.
        settings: settings of the backbone, e.g. width; of every one, mean and std of its RGB input
            in [0, 255], and normalization: batch, frozen_batch or group.
        weights: file of pretrained weights for the backbone (docs/pretrained-weights.md), or
            imagenet for one of the known files that is on this machine; null for random ones. A
            resume loads none.
        weights_sha256: what the sha256 of the file must begin with; recorded when it is null.
        weights_classes: class names of a file of a whole model, by row, or head -> class names;
            null for those of the published weights with as many rows (VOC's, COCO's).
        heads: name of a head -> its settings; `task` says which, and is the name by default.
        output_stride: output stride of the backbone; null for the smallest that a head asks for.
        share_until: the stage, stage1 to stage4, behind which each head has the rest of the
            backbone for itself; or stage -> groups of heads that part there
            (docs/many-tasks.md#what-heads-share); null: all is shared.
        normalize_by_head: whether each head has scales, shifts and moving statistics of the
            backbone's normalizations for itself, between shared convolutions.
        adapt_by_head: likewise, with 1x1 convolutions of each head beside the wider shared ones.
        sharing: name (cross_stitch, mtan, mmoe, cgc, ple, dselect_k) and settings of how heads
            share the backbone otherwise (docs/many-tasks.md#sharings); null: none. A network of
            one head leaves it out.
    """

    backbone: str = "resnet18"
    settings: dict[str, Any] = field(default_factory=dict)
    weights: str | None = None
    weights_sha256: str | None = None
    weights_classes: list[str] | dict[str, list[str]] | None = None
    heads: dict[str, dict[str, Any]] = field(default_factory=dict)
    output_stride: int | None = None
    share_until: str | dict[str, list[list[str]]] | None = None
    normalize_by_head: bool = False
    adapt_by_head: bool = False
    sharing: str | dict[str, Any] | None = None


@dataclass
class Training:
    """How it is trained.

    Args:
        epochs: length of the training.
        batch_size: samples per update.
        optimizer: MXNet's name of an optimizer.
        optimizer_params: its settings, without the learning rate; by default momentum 0.9, of
            those that have one, and wd 1e-4.
        schedule: name (constant, step, poly, linear, cosine, cosine_restarts, one_cycle,
            exponential, inverse_square_root, joined, plateau) and settings of the learning rate.
        augment: random transforms, in order: name and settings each.
        validate_every: e.g. 1ep, 500st, 10%.
        validation_losses: whether each validation computes the losses, too, without augmentation; a
            pass over the validation data more, whose seconds are shown.
        best: the number that the best checkpoint is chosen by, "<head>/<metric>", or "composite",
            the mean of all heads' first ones, or "delta_m", their mean relative change to
            `baselines`; or several numbers or heads: a list, or name -> weight.
        baselines: score -> its value for a network of that head alone, for "delta_m".
        keep: how many of the last checkpoints are kept, beside the best.
        accumulate: micro-batches of batch_size an update.
        clip_norm: the largest norm of the gradient; null for none.
        nonfinite: what a loss or gradient that is not finite does: raise, skip or rollback; or
            {policy, limit, factor}, how often at most and with which factor on the rate.
        groups: pattern of parameter names -> lr and wd, factors on rate and decay.
        layer_decay: factor on the rate for each layer that is nearer to the image; null for none.
        balance: name (fixed, uncertainty, dwa, ...) and settings of what shares the training
            among several heads, or those that its setting `heads` lists; null adds up their losses.
        distill: head -> the folder of a run that teaches it, or teacher, head, weight, temperature
            and annealed, see `densefit.train.distillation`; on pictures without labels, too.
        task_affinity: updates from one measurement to the next of what heads do for each other and
            of the cosines between their gradients by layer, for report.html; auto: 30 for each
            head, some 3 % of the time; null for none.
        conflict: batches on which the cosine between the heads' gradients is measured at the end,
            into conflict.json; 0 for none.
        freeze: patterns of parameters that are not trained.
        unfreeze: how long they are not: 5ep, 500st or 10%; null for the whole training.
        ema: decay of a moving average of the weights, which is then what is scored and kept.
        precision: float32 or bfloat16.
        sync_batchnorm: whether BatchNorm normalizes by the samples of all ranks of a launched
            training; with engine torch (docs/distributed.md).
        callbacks: name, or name and settings, of each: csv, early_stopping, finite, jsonl, memory,
            mlflow, profiler, tensorboard, time_budget, wandb; paths lie in the run's folder.
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
    validation_losses: bool = False
    best: str | list[str] | dict[str, float] | None = None
    baselines: dict[str, float] = field(default_factory=dict)
    keep: int = 1
    accumulate: int = 1
    clip_norm: float | None = None
    nonfinite: str | dict[str, Any] = "raise"
    groups: dict[str, dict[str, float]] = field(default_factory=dict)
    layer_decay: float | None = None
    balance: dict[str, Any] | None = None
    distill: dict[str, Any] = field(default_factory=dict)
    task_affinity: int | str | None = None
    conflict: int = 0
    freeze: list[str] = field(default_factory=list)
    unfreeze: str | None = None
    ema: float | None = None
    precision: str = "float32"
    sync_batchnorm: bool = False
    callbacks: list[str | dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.callbacks = [
            {"name": entry} if isinstance(entry, str) else entry for entry in self.callbacks
        ]


@dataclass
class Recipe:
    """Everything that makes a training.

    Args:
        input_size: height and width of the network's input: [320, 480], 320x480, or 320 for a
            square. Images are scored at this size; transforms of training that state no size have
            it, and scales refer to it.
        resize: how an image is brought to it: letterbox (keeps proportions) or stretch.
        score_batch_size: samples per batch when scoring.
        out: the run's folder: config, scalars, checkpoints, curves and images; empty for runs/NAME,
            of the recipe's name. What a recipe says is numbered where it exists (runs/NAME-2 and so
            on); what the command line says, never.
        pictures: whether the run draws: curves, a training batch, predictions and report.html.
            false, where many runs are compared by their numbers: a short one takes half the time.
        seed: seed of everything random.
        resume: auto (from the run's own newest checkpoint), a checkpoint's path, or none.
        init_from: a checkpoint, or a run's folder, with whose weights the training begins.
        init_mismatched: what weights of another shape do (of heads for other classes, say): raise,
            skip, or grow: classes that both have are kept by name, and the others begin anew.
        engine: mxnet or torch, which computes; null for the one of the environment's
            DENSEFIT_ENGINE, else MXNet where it is installed, else PyTorch.
        devices: device of the engine that trains and scores, cuda:0, or a list of several; the
            CPU by default.
        plugins: Python files, relative to the recipe, that register datasets, transforms, heads
            and other parts (docs/plugins.md). Their code runs: name only files that you trust.
    """

    data: Data = field(default_factory=Data)
    model: Model = field(default_factory=Model)
    training: Training = field(default_factory=Training)
    input_size: tuple[int, int] = field(default=(96, 96), metadata=SIZE)
    resize: str = "letterbox"
    score_batch_size: int = 8
    out: str = ""
    pictures: bool = True
    seed: int = 0
    resume: str = "none"
    init_from: str | None = None
    init_mismatched: str = "raise"
    engine: str | None = None
    devices: str | list[str] = field(default_factory=list)
    plugins: list[str] = files_field()

    def __post_init__(self) -> None:
        if isinstance(self.devices, str):
            self.devices = [self.devices]

    def balance_of(self, heads: Collection[str]) -> dict[str, Any] | None:
        """Settings of the balancer of the heads that are trained."""
        return self.training.balance

    def distill_of(self, heads: Collection[str]) -> dict[str, Any]:
        """Teachers of the heads that are trained."""
        return self.training.distill

    def adjust(self, named: Set[str]) -> None:
        """Leave out the default momentum for an optimizer that has none.

        Args:
            named: dotted keys that the user wrote.
        """
        key = "training.optimizer_params"
        if not named & {key, f"{key}.momentum"} and not _has_momentum(self.training.optimizer):
            self.training.optimizer_params.pop("momentum", None)


def _has_momentum(optimizer: str) -> bool:
    """Whether an optimizer has a setting `momentum`, or is unknown here: the engine says so."""
    name, mxnet = optimizer.lower(), sys.modules.get("mxnet")
    # A user's program may have registered one.
    kind = None if mxnet is None else mxnet.optimizer.Optimizer.opt_registry.get(name)
    if kind is None:
        return name not in WITHOUT_MOMENTUM
    return "momentum" in inspect.signature(kind).parameters
