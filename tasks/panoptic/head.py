"""The panoptic head: a segmentation head and an instance head, merged into one map."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, cast

import numpy as np

from densefit.data.classes.known_classes import known_classes
from densefit.data.sample import Geometry, Sample
from densefit.errors import ConfigError
from densefit.metrics import Metric, PanopticQuality
from densefit.model.heads.head import Features, Head, Label, Term, class_names, heads
from densefit.model.tta.view_merger import Merger
from densefit.tasks.instance.head import Instance
from densefit.tasks.predictions import Segments
from densefit.tasks.segmentation.head import Segmentation

from .checks import check_settings, check_things
from .drawing import draw_segments
from .parts import PartsMerger, add_prefixes, strip_prefix
from .program import write_segments
from .segments import merge_unannotated, panoptic_map, true_segments


@heads.register("panoptic")
class Panoptic(Head):
    """A segment for every pixel: a segment per thing, and per class of stuff.

    Two heads on one backbone, segmentation of all classes and instances of the things, whose
    outputs are merged as in Panoptic FPN (Kirillov et al., CVPR 2019). A sample trains the parts
    whose targets it has, and is scored if it has all of them: `mask`, `instances`,
    `instance_ids`, `boxes` and `classes`.

    Predictions are dicts: `map` (H, W) int32, segment id of each pixel or 0, `ids` (n,) and
    `classes` (n,), indices into the classes of the mask.

    Args:
        classes: names of the mask's classes, in index order.
        things: names of the classes with instances, in the order of the boxes' classes.
        name: prefix of labels, outputs, parameters and scores.
        weight: factor on all losses; `weight` in the parts' settings is a further factor.
        score_threshold: instances with a lower score are dropped.
        overlap: share of an instance that instances with higher scores must leave free.
        min_stuff: smallest stuff segment, as a share of the image; 0.01 is about the 4096 pixels
            of the paper.
        segmentation: settings of the segmentation head, such as `decoder`.
        instance: settings of the instance head, such as `detection`.

    Raises:
        ConfigError: things that are no classes, or a setting out of range.
    """

    class_target = "mask"
    dataset_settings: ClassVar[Mapping[str, str]] = {"things": "classes"}

    def __init__(
        self,
        classes: Sequence[str],
        things: Sequence[str],
        name: str = "panoptic",
        weight: float = 1.0,
        score_threshold: float = 0.5,
        overlap: float = 0.5,
        min_stuff: float = 0.01,
        segmentation: Mapping[str, Any] | None = None,
        instance: Mapping[str, Any] | None = None,
    ) -> None:
        for what, names in (("classes", classes), ("things", things)):
            if not isinstance(names, Iterable):
                raise ConfigError(
                    f"A panoptic head needs the names of its {what}: things are matched by name",
                    expected="a list of strings",
                    received=repr(names),
                    where=f"head {name!r}",
                )
        self.classes, self.things = class_names(classes), class_names(things)
        self.name, self.weight = name, weight
        self.score_threshold, self.overlap, self.min_stuff = score_threshold, overlap, min_stuff
        settings = {"segmentation": dict(segmentation or {}), "instance": dict(instance or {})}
        check_things(self.things, self.classes, f"head {name!r}")
        check_settings(settings, overlap, min_stuff, f"head {name!r}")
        self.thing_classes = [self.classes.index(label) for label in self.things]
        # Instances below the threshold are dropped anyway: the network need not output them.
        detection = settings["instance"].get("detection") or {}
        settings["instance"]["detection"] = {"score_threshold": score_threshold, **detection}
        parts = {
            part: heads.create(part, classes=names, name=f"{name}_{part}", **settings[part])
            for part, names in (("segmentation", self.classes), ("instance", self.things))
        }
        self.segmentation = cast(Segmentation, parts["segmentation"])
        self.instance = cast(Instance, parts["instance"])
        self.parts: dict[str, Head] = parts
        self.output_stride = min(part.output_stride for part in parts.values())
        self.targets = (*self.segmentation.targets, *self.instance.targets)
        self.class_target = self.segmentation.target
        self.terms = self._terms()

    @classmethod
    def class_source(cls, settings: Mapping[str, Any]) -> str:
        """The target of the segmentation."""
        return str((settings.get("segmentation") or {}).get("target", cls.class_target))

    def class_rows(self) -> dict[str, list[Any]]:
        """Classes of the rows of both parts."""
        for part in (self.segmentation, self.instance):
            part.learned_names = self.learned_names
        return {**self.segmentation.class_rows(), **self.instance.class_rows()}

    def class_lists(self) -> dict[str, list[str]]:
        """Names of the mask's classes, and of the things."""
        return {self.segmentation.target: self.classes, "classes": self.things}

    def labels(self, input_size: tuple[int, int]) -> list[Label]:
        """Labels of both parts."""
        return [
            Label(f"{part}_{label.name}", label.shape, label.dtype)
            for part, head in self.parts.items()
            for label in head.labels(input_size)
        ]

    def train(self, features: Features, labels: Mapping[str, Any]) -> dict[str, Any]:
        """Loss terms of both parts, times their weights."""
        terms = {
            part: head.train(features, strip_prefix(part, labels))
            for part, head in self.parts.items()
        }
        return add_prefixes(
            {
                part: {name: term * self.parts[part].weight for name, term in part_terms.items()}
                for part, part_terms in terms.items()
            }
        )

    def evaluate(self, features: Features) -> dict[str, Any]:
        """Outputs of both parts."""
        return add_prefixes({part: head.evaluate(features) for part, head in self.parts.items()})

    def raw_outputs(self, features: Features) -> dict[str, Any]:
        """Raw outputs of both parts."""
        return add_prefixes({part: head.raw_outputs(features) for part, head in self.parts.items()})

    def postprocess(
        self, outputs: Mapping[str, np.ndarray], input_size: tuple[int, int]
    ) -> dict[str, np.ndarray]:
        """Postprocess the outputs of both parts."""
        return add_prefixes(
            {
                part: head.postprocess(strip_prefix(part, outputs), input_size)
                for part, head in self.parts.items()
            }
        )

    def view_outputs(self, features: Features) -> dict[str, Any]:
        """View outputs of both parts."""
        return add_prefixes(
            {part: head.view_outputs(features) for part, head in self.parts.items()}
        )

    def view_merger(self, size: tuple[int, int]) -> Merger:
        """A merger of each part's views, and then of the parts."""
        mergers = {part: head.view_merger(size) for part, head in self.parts.items()}
        return PartsMerger(
            mergers, lambda parts: self._segments(parts["segmentation"], parts["instance"])
        )

    def _terms(self) -> dict[str, Term]:
        """Terms of both parts: a sample trains the parts whose targets it has."""
        semantic = Term(self.segmentation.targets, self._trains_segmentation)
        parts = {"segmentation": dict.fromkeys(self.segmentation.loss_terms, semantic)}
        return add_prefixes({**parts, "instance": self.instance.terms})

    def _trains_segmentation(self, labels: Mapping[str, np.ndarray]) -> bool:
        return self.segmentation.has_valid_labels(strip_prefix("segmentation", labels))

    def encode(self, sample: Sample) -> dict[str, np.ndarray]:
        """Encode the labels of both parts."""
        return add_prefixes({part: head.encode(sample) for part, head in self.parts.items()})

    def positives(self, labels: Mapping[str, np.ndarray]) -> int:
        """Number of positive anchors."""
        return self.instance.positives(strip_prefix("instance", labels))

    def objects(self, sample: Sample) -> int:
        """Number of boxes of things to learn."""
        return self.instance.objects(sample)

    def decode(
        self, outputs: Mapping[str, np.ndarray], geometries: Sequence[Geometry]
    ) -> list[Segments]:
        """Segments at the size of each original image."""
        predictions = [
            head.decode(strip_prefix(part, outputs), geometries)
            for part, head in self.parts.items()
        ]
        return [self._segments(semantic, instances) for semantic, instances in zip(*predictions)]

    def _segments(self, semantic: np.ndarray, instances: Mapping[str, Any]) -> Segments:
        rows = np.flatnonzero(instances["scores"] >= self.score_threshold)
        visible = {
            key: [instances[key][row] for row in rows] for key in ("masks", "scores", "classes")
        }
        least = round(self.min_stuff * semantic.size)
        return panoptic_map(semantic, visible, self.thing_classes, self.overlap, least)

    def ground_truth(self, targets: Mapping[str, np.ndarray]) -> Any:
        """Ground-truth segments, None if a target is missing."""
        if any(name not in targets for name in self.targets):
            return None
        return true_segments(targets[self.segmentation.target], targets, self.thing_classes)

    def filter_prediction(self, prediction: Any, targets: Mapping[str, np.ndarray]) -> Any:
        """Merge segments of classes that the sample does not annotate into the background.

        Raises:
            DataError: the sample states it for another number of classes.
        """
        where = f"head {self.name}"
        annotated = self.segmentation.annotated_classes(targets, where)
        annotated[self.thing_classes] &= known_classes(targets, len(self.things), where)
        return merge_unannotated(prediction, annotated, self.segmentation.background)

    def program_lines(self) -> str:
        """Lines that write the map of segments, and print the class of each."""
        rules = self.score_threshold, self.overlap, self.min_stuff
        return write_segments(self.name, self.thing_classes, self.instance.mask_stride, *rules)

    def metrics(self) -> list[Metric]:
        """Panoptic quality."""
        return [PanopticQuality(self.classes, self.things)]

    resizable = True

    def draw(self, image: np.ndarray, prediction: Any) -> np.ndarray:
        """Stuff in the colours of its classes, each thing in a colour of its own; void is bare."""
        return draw_segments(image, prediction, self.classes, self.thing_classes)

    def draw_truth(self, image: np.ndarray, truth: Any) -> np.ndarray:
        """The true segments, in the same colours."""
        return self.draw(image, truth)
