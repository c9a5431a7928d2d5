"""What there is by name, and datasets and transforms made by name."""

from __future__ import annotations

from typing import Any

from densefit.callbacks import callbacks
from densefit.data.sample import Dataset, datasets
from densefit.data.transforms import transforms
from densefit.metrics import metrics
from densefit.model.backbones import backbones
from densefit.model.decoders import decoders
from densefit.model.heads.head import heads
from densefit.model.losses import pixel_losses
from densefit.model.sharing import sharings
from densefit.registry import Registry
from densefit.train.balance import balancers
from densefit.train.schedules import schedules

#: All registries of what recipes name.
REGISTRIES: tuple[Registry[Any], ...] = (
    *(backbones, decoders, heads, metrics, schedules),
    *(balancers, sharings, datasets, transforms, callbacks, pixel_losses),
)


def registered(pattern: str = "*") -> dict[str, list[str]]:
    """Every registered name that matches a glob `pattern`, by kind.

    Example:
        >>> registered("resnet18*")["backbone"]
        ['resnet18', 'resnet18_v2', 'resnet18d']
    """
    return {registry.kind: registry.names(pattern) for registry in REGISTRIES}


def dataset(name: str, **settings: Any) -> Dataset:
    """A registered dataset: `dataset("voc", root="VOC2012", split="train")`.

    Raises:
        ConfigError: unknown name, or settings that it does not take.
    """
    return datasets.create(name, **settings)


def transform(name: str, **settings: Any) -> Any:
    """A registered transform: `transform("resize", height=360, width=480)`.

    Raises:
        ConfigError: unknown name, or settings that it does not take.
    """
    return transforms.create(name, **settings)
