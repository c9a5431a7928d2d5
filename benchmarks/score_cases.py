"""Cases of score_speed.py: a dataset, and a network with random parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import densefit as df
from densefit.backend import mx


@dataclass
class Case:
    """A dataset with masks, and an untrained network.

    Attributes:
        dataset: the samples.
        classes: names of the mask classes.
        network: DeepLabV3+ with ResNet-18, as in the recipe of CamVid.
    """

    dataset: Any
    classes: list[str]
    network: df.Network

    @classmethod
    def of(cls, name: str, root: str, images: int) -> Case:
        """Make the case of CamVid's test split, or of COCO's validation pictures.

        Args:
            name: "camvid" or "coco".
            root: folder of the dataset.
            images: maximum number of pictures.
        """
        if name == "camvid":
            whole = df.dataset("mask_folder", root=root, split="test", ignore_value=11)
        else:
            whole = df.dataset("coco", root=root, split="val2017", masks=True)
        classes = list(getattr(whole, "mask_classes", whole.classes))
        head = df.head(
            "segmentation", classes=classes, decoder="deeplabv3+", channels=96, rates=(3, 6, 9)
        )
        network = df.Network("resnet18", [head])
        draw_parameters(network)
        return cls(First(whole, images), classes, network)


class First:
    """The first samples of a dataset."""

    def __init__(self, dataset: Any, count: int) -> None:
        self._dataset, self._count = dataset, min(count, len(dataset))
        self.classes = dataset.classes

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Any:
        return self._dataset[index]

    def id_of(self, index: int) -> str:
        """Id of the sample in the dataset."""
        return str(self._dataset.id_of(index))


def draw_parameters(network: df.Network) -> None:
    """Draw He initial weights, and varied statistics and factors."""
    symbol = network.graph("evaluate", (64, 64))
    arguments, _, statistics = symbol.infer_shape(data=(1, 3, 64, 64))
    rng = np.random.default_rng(0)

    def drawn(name: str, shape: tuple[int, ...]) -> Any:
        if name.endswith("weight"):
            value = rng.normal(size=shape) * np.sqrt(2.0 / np.prod(shape[1:]))
        elif name.endswith(("gamma", "var")):
            value = rng.uniform(0.5, 1.5, shape)
        else:
            value = rng.uniform(-0.1, 0.1, shape)
        return mx.nd.array(value)

    given = zip(symbol.list_arguments(), arguments)
    kept = zip(symbol.list_auxiliary_states(), statistics)
    network.set_params(
        {name: drawn(name, shape) for name, shape in given if name != "data"},
        {name: drawn(name, shape) for name, shape in kept},
    )
