"""A head: one task's attachment to the network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from densefit.data.sample import Geometry, Sample
from densefit.metrics.core.metric import Metric
from densefit.model.heads.class_names import ClassNames, class_names, named_rows
from densefit.model.heads.drawing import Drawing
from densefit.model.heads.features import Features
from densefit.model.heads.host_outputs import HostOutputs
from densefit.model.heads.partial_labels import PartialLabels, Term
from densefit.model.heads.program_lines import ProgramLines
from densefit.model.heads.recipe_defaults import RecipeDefaults
from densefit.model.heads.renamed_members import RenamedMembers
from densefit.model.heads.teachable import Teachable
from densefit.model.heads.view_merging import ViewMerging
from densefit.registry import Registry

__all__ = ["Features", "Head", "Label", "Term", "class_names", "head", "heads", "named_rows"]


@dataclass(frozen=True)
class Label:
    """A label array that a head binds: its name inside the head and its shape for one sample."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"


class Head(
    RenamedMembers,
    PartialLabels,
    ClassNames,
    RecipeDefaults,
    HostOutputs,
    ViewMerging,
    Teachable,
    Drawing,
    ProgramLines,
    ABC,
):
    """One task: labels, losses, outputs, predictions, ground truth and metrics, under one name.

    A task implements the seven methods below. All else is optional, a base class a concern:
    samples without labels (`PartialLabels`), class names (`ClassNames`), settings from the dataset
    (`RecipeDefaults`), postprocessing on the host (`HostOutputs`), test-time augmentation
    (`ViewMerging`), distillation (`Teachable`), drawings (`Drawing`), and the program beside an
    exported model (`ProgramLines`).

    Attributes:
        name: prefix of the head's labels, outputs, parameters and scores, `<name>_<output>`; unique
            in the network, which checks it (see `densefit.model.head_names`).
        weight: factor on the head's losses, 0 or more.
        output_stride: deepest stride of the backbone's feature maps (8, 16 or 32).
        supports_crops: whether predictions of a cropped image are valid, as boxes are: `df.predict`
            then gives them. False: a head that reads the geometry predicts for the whole image, and
            a crop is an error. Scores refuse crops either way.
        supports_windows: whether predictions of parts of an image merge into one for the whole.
            False: a label of the whole image, which no part shows.
        spec: task name and settings, set by `head()`; rebuilds the head.
    """

    name: str
    weight: float = 1.0
    output_stride: int = 32
    supports_crops: ClassVar[bool] = False
    supports_windows: ClassVar[bool] = True
    spec: dict[str, Any] | None = None

    @abstractmethod
    def labels(self, input_size: tuple[int, int]) -> list[Label]:
        """Label arrays that `encode` makes and `train` binds."""

    @abstractmethod
    def encode(self, sample: Sample) -> dict[str, np.ndarray]:
        """Encode a transformed sample's targets as label arrays, by Label.name. Runs in workers.

        Labels that only some `terms` read may be left out for a sample without their targets:
        placeholders with weight 0 take their place.
        """

    @abstractmethod
    def train(self, features: Features, labels: Mapping[str, Any]) -> dict[str, Any]:
        """Loss terms by name: Symbols of shape (B,), one loss per sample.

        Each is normalised within the sample (over its valid pixels, its positive anchors...).
        densefit sums over samples and divides by the real number of samples of the update; a head
        never sees batch sizes or devices.

        Args:
            features: feature maps of the backbone.
            labels: Symbols (B, ...) by Label.name.
        """

    @abstractmethod
    def evaluate(self, features: Features) -> dict[str, Any]:
        """Output Symbols by name, small: argmax, top-k and NMS belong here, not on the host.

        Parameters are shared with `train` by name.
        """

    @abstractmethod
    def decode(
        self, outputs: Mapping[str, np.ndarray], geometries: Sequence[Geometry]
    ) -> list[Any]:
        """Decode the outputs of n samples to n predictions in original image coordinates."""

    @abstractmethod
    def ground_truth(self, targets: Mapping[str, np.ndarray]) -> Any:
        """Ground truth for the metrics, from a sample's original targets.

        None if it is unknown: the sample does not count in this head's scores.
        """

    @abstractmethod
    def metrics(self) -> list[Metric]:
        """New metrics that score this head; the first one's primary key names the best."""


heads: Registry[Head] = Registry("head")


def head(task: str, **settings: Any) -> Head:
    """A registered head by the name of its task: `head("segmentation", classes=21)`.

    Raises:
        ConfigError: no task is registered under that name.
    """
    created = heads.create(task, **settings)
    created.spec = {"task": task, "settings": settings}
    return created
