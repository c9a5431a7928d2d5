"""A head: one task's attachment to the network."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from densefit.data.classes.class_lists import Numbered, are_numbers, head_lists
from densefit.data.sample import Geometry, Sample
from densefit.errors import ConfigError
from densefit.metrics.core.metric import Metric
from densefit.model.tta.view_merger import Merger, Predictions
from densefit.registry import Registry


@dataclass(frozen=True)
class Label:
    """A label array that a head binds: its name inside the head and its shape for one sample."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"


@dataclass(frozen=True)
class Term:
    """What a sample must have to train one loss term of a head.

    Attributes:
        targets: names of the targets that the term learns from.
        trains: the same as `Head.trains`, for this term; None: all labels train it.
    """

    targets: tuple[str, ...]
    trains: Callable[[Mapping[str, np.ndarray]], bool] | None = None


@dataclass(frozen=True)
class Features:
    """What the backbone gives a head.

    Attributes:
        maps: stride -> Symbol (B, C, H/stride, W/stride), for the strides 4, 8, 16 and 32
            (a backbone with a smaller output stride lacks the larger ones).
        channels: stride -> number of channels.
        input_size: (height, width) of the network's input.
    """

    maps: Mapping[int, Any]
    channels: Mapping[int, int]
    input_size: tuple[int, int]

    def size(self, stride: int) -> tuple[int, int]:
        """(height, width) of the map at `stride`: every halving rounds up."""
        height, width = self.input_size
        return -(-height // stride), -(-width // stride)


class Head(ABC):
    """One task: outputs, labels, loss, encode, decode, metrics and drawing, under one name.

    The loss convention: `train` returns one loss *per sample*, shape (B,), for each named term,
    already normalised within the sample (over its valid pixels, its positive anchors...). The
    framework sums over samples, divides by the real number of samples of the update, and makes
    the terms into loss nodes; a head never sees batch sizes or devices.

    Attributes:
        name: prefix of everything the head owns, `<name>_<output>`; unique in the network, which
            checks it (see `densefit.model.head_names`).
        weight: factor on the head's losses, 0 or more.
        output_stride: the deepest stride that the head wants from the backbone (8, 16 or 32).
        targets: names of the targets that `encode` reads. Single samples may lack them (then they
            train nothing), but a loader refuses a dataset in which none has them. Empty: nothing
            is checked.
        classes_of: the target whose classes a recipe gives the head as its setting `classes`: the
            dataset's `<target>_classes`, or `classes` where it has no such list ("classes": of
            objects). None: a recipe has to state them. See `class_source`.
        some_of: for a head that need not have all of these classes: a list of the dataset's, such
            as "keypoint_classes", of those that it is given, if there is one. Its setting `among`
            is given all; see `numbered_classes`.
        told: further settings that a dataset may tell -> the attribute that it has them in. A
            recipe that states one of them is told none.
        terms: for a head whose loss terms learn from different targets: every term of `train` by
            name, with what it needs. Each is then the mean over the samples that have its own, and
            a sample that has those of one term is labelled. Empty: all terms need all `targets`.
        resizable: stated by a class that has a `draw`: whether it and `draw_truth` take a picture
            of another size, with the "boxes", "keypoints", "masks" and maps of what `decode` and
            `truth` give brought to it (`densefit.visualize.fitted`). False: they get the original.
        predicts_parts: whether a prediction of a cropped picture is right as far as it goes, as
            boxes are: `df.predict` then gives it. False: one that reads the geometry is of all the
            picture's pixels, and a crop is an error. Scores refuse crops either way.
    """

    name: str
    weight: float = 1.0
    output_stride: int = 32
    targets: tuple[str, ...] = ()
    classes_of: str | None = None
    some_of: str | None = None
    told: ClassVar[Mapping[str, str]] = {}
    terms: Mapping[str, Term] = MappingProxyType({})
    resizable: ClassVar[bool] = False
    predicts_parts: ClassVar[bool] = False
    #: Target -> its names in the dataset that trained the head, where it was made with a number.
    learned_names: Mapping[str, Sequence[str]] = MappingProxyType({})
    spec: dict[str, Any] | None = None  # task and settings, set by `head()`: rebuilds the head

    @abstractmethod
    def labels(self, input_size: tuple[int, int]) -> list[Label]:
        """The label arrays that `encode` makes and `train` binds."""

    @abstractmethod
    def train(self, features: Features, labels: Mapping[str, Any]) -> dict[str, Any]:
        """Loss terms as Symbols of shape (B,), by name; `labels` by Label.name."""

    @abstractmethod
    def evaluate(self, features: Features) -> dict[str, Any]:
        """Output Symbols by name, small: argmax, top-k and NMS belong here, not on the host.

        Parameters are shared with `train` by name.
        """

    def raw(self, features: Features) -> dict[str, Any]:
        """Output Symbols by name of which `finish` makes those of `evaluate`, on the host.

        For heads whose last step is faster there than on MXNet's CPU (an argmax of all pixels,
        say), which scores and predictions on a CPU then take. On a GPU, and in what is exported,
        there is `evaluate` alone. The same as this by default.
        """
        return self.evaluate(features)

    def finish(
        self, outputs: Mapping[str, np.ndarray], input_size: tuple[int, int]
    ) -> dict[str, np.ndarray]:
        """Outputs of `raw` as those of `evaluate`; no sample may depend on another.

        Args:
            outputs: by name, of n samples.
            input_size: (height, width) of the network's input.
        """
        return dict(outputs)

    def rows(self, output: str) -> int:
        """Rows of axis 0 of an `evaluate`, `raw` or `views` output that belong to one sample."""
        return 1

    def views(self, features: Features) -> dict[str, Any]:
        """Output Symbols by name from which `merger` makes one prediction out of several views.

        For heads whose `evaluate` outputs are too small to be averaged (an argmax, say). They
        need not be small: a merger can work on the device. Those of `evaluate` by default.
        """
        return self.evaluate(features)

    def merger(self, size: tuple[int, int]) -> Merger:
        """What merges the views of one picture of (height, width).

        By default each view is decoded, and `combine` makes one of the predictions.
        """
        return Predictions(self.decode, lambda predictions, _: self.combine(predictions))

    def combine(self, predictions: Sequence[Any]) -> Any:
        """One prediction out of several of the same picture.

        Raises:
            ConfigError: this head does not say how.
        """
        raise ConfigError(
            f"The head {self.name!r} does not say how predictions of several views are combined",
            received=f"{len(predictions)} views",
            fix="give it a method `combine`, or look at each picture once (no views)",
        )

    def labelled(self, sample: Sample) -> bool:
        """Whether the sample trains this head: it has all `targets`, or those of one of `terms`."""
        wanted = [term.targets for term in self.terms.values()] or [self.targets]
        return any(all(target in sample.targets for target in own) for own in wanted)

    def trains(self, labels: Mapping[str, np.ndarray]) -> bool:
        """Whether labels that `encode` made train anything.

        A head whose targets may be there and say nothing (all pixels void, an unknown class) looks
        for it here: such a sample is none of its labelled ones.
        """
        return True

    def positives(self, labels: Mapping[str, np.ndarray]) -> int | None:
        """Number of anchors or cells that learn an object, in labels that `encode` made.

        Training tells them for each epoch, and does not go on where there are objects and no
        positives. None, as by default: the head does not learn single objects.
        """
        return None

    def objects(self, sample: Sample) -> int | None:
        """Number of objects in a sample, as `encode` sees it, that the head could learn.

        Training sets `positives` beside them. None, as by default: all single boxes.

        Args:
            sample: that is labelled for the head.
        """
        return None

    @classmethod
    def class_source(cls, settings: Mapping[str, Any]) -> str | None:
        """`classes_of` a head that is yet to be made: its setting `target`, if it has one.

        Args:
            settings: what it is to be made with.
        """
        return None if cls.classes_of is None else settings.get("target", cls.classes_of)

    def numbered_classes(self) -> list[str]:
        """Names of the classes in the target of `classes_of`, by number: the head's, by default.

        A head that has some of them, or in another order, has all of them in its setting `among`.
        """
        names = getattr(self, "classes", ())
        return Numbered(names) if isinstance(names, Numbered) else list(names)

    def class_lists(self) -> dict[str, list[str]]:
        """Target that `encode` reads -> the names of its numbers, or of its keypoints.

        A dataset's targets come with these numbers: they are matched by the names that it has.
        """
        names = self.numbered_classes()
        return {self.classes_of: names} if self.classes_of is not None and names else {}

    def names(self, target: str) -> list[str]:
        """The names of a target's numbers: the head's own, or those that it has learned."""
        return head_lists(self)[target]

    def learn(self, target: str, names: Sequence[str]) -> None:
        """Keep the names of a target's numbers, of a head that was made with their number alone."""
        self.learned_names = {**self.learned_names, target: list(names)}
        if self.spec is not None:  # the network's, which checkpoints keep
            self.spec["names"] = self.learned_names

    def class_rows(self) -> dict[str, list[Any]]:
        """Parameter -> what each of its rows (axis 0) belongs to, where that is a named class.

        Rows are brought by it from a network whose classes are others, or in another order.
        """
        return {}

    @abstractmethod
    def encode(self, sample: Sample) -> dict[str, np.ndarray]:
        """The transformed sample's targets as label arrays, by Label.name. Runs in workers.

        Of a sample that lacks the targets of some of `terms`, labels that only those read may be
        left out: what stands in for them has no weight.
        """

    @abstractmethod
    def decode(
        self, outputs: Mapping[str, np.ndarray], geometries: Sequence[Geometry]
    ) -> list[Any]:
        """Outputs of n samples as n predictions in original image coordinates."""

    @abstractmethod
    def truth(self, targets: Mapping[str, np.ndarray]) -> Any:
        """What this head's metrics compare with, out of a sample's original targets.

        None if it is unknown: the sample then does not count for this head.
        """

    def judged(self, prediction: Any, targets: Mapping[str, np.ndarray]) -> Any:
        """A prediction as metrics compare it with the truth of a sample: as it is, by default.

        For heads that predict more than some samples' annotations tell of.
        """
        return prediction

    @abstractmethod
    def metrics(self) -> list[Metric]:
        """New metrics that this head is judged by; the first one's primary key names the best."""

    def draw(self, image: np.ndarray, prediction: Any) -> np.ndarray:
        """A copy of the (H, W, 3) uint8 RGB original with the prediction drawn on it."""
        return image.copy()

    def draw_truth(self, image: np.ndarray, truth: Any) -> np.ndarray:
        """The same with what `truth` gave (not None) drawn on it, to be looked at beside `draw`."""
        return image.copy()

    def draw_both(
        self, image: np.ndarray, truth: Any, prediction: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """`draw_truth` and `draw`, to be looked at side by side: on one scale, if there is one."""
        return self.draw_truth(image, truth), self.draw(image, prediction)


def class_names(classes: int | Sequence[str]) -> list[str]:
    """Names of a head's classes, given as names or as their number.

    >>> class_names(3), class_names(("cat", "dog"))
    (['0', '1', '2'], ['cat', 'dog'])

    Raises:
        ConfigError: they are given as anything else, such as one text.
    """
    wrong = isinstance(classes, (str, bytes, bool))
    if not wrong and hasattr(classes, "__index__") and np.ndim(classes) == 0:
        return Numbered([str(index) for index in range(operator.index(classes))])
    if wrong or not isinstance(classes, Iterable):
        raise ConfigError(
            "Classes are names, or how many",
            expected="a list of texts, or a whole number",
            received=repr(classes),
        )
    if isinstance(classes, Numbered):
        return Numbered(classes)
    return [str(name) if isinstance(name, str) else name for name in classes]


def named_rows(names: Sequence[Any], *layers: str) -> dict[str, list[Any]]:
    """What `Head.class_rows` has of layers with a row for each of the names; none of numbers.

    >>> named_rows(["cat", "dog"], "a_class")
    {'a_class_weight': ['cat', 'dog'], 'a_class_bias': ['cat', 'dog']}
    """
    if are_numbers(names):
        return {}
    return {f"{layer}_{part}": list(names) for layer in layers for part in ("weight", "bias")}


heads: Registry[Head] = Registry("head")


def head(task: str, **settings: Any) -> Head:
    """A registered head by the name of its task: `head("segmentation", classes=21)`.

    Raises:
        ConfigError: no task is registered under that name.
    """
    made = heads.create(task, **settings)
    made.spec = {"task": task, "settings": settings}
    return made
