"""Score class maps in image files."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from densefit.config import parse
from densefit.datasets.files.masks import all_values
from densefit.datasets.files.names import class_names
from densefit.errors import ConfigError, DataError, DensefitError
from densefit.metrics import BoundaryIoU, ConfusionMatrix, Metric
from densefit.metrics.core.per_sample import PerSample
from densefit.tools.formats.image_source import Photographs
from densefit.tools.formats.mask_files import MaskPairs, pair_masks
from densefit.tools.recipes.program import program
from densefit.visualize.drawing import draw_mask

from .absent_classes import never_true
from .score_settings import ScoreSettings, required_path, update_metrics, with_shared_settings


@dataclass
class MaskFiles:
    """Files and settings of a segmentation evaluation.

    Args:
        truth: folder of the true masks: PNG files whose pixels are class indices.
        predicted: folder of the predicted masks, with the same names.
        classes: number of classes; not needed with class_names.
        class_names: file with a class name per line, in the order of the indices.
        ignore: true pixels with this value are not scored; null for none.
        truth_values: value of the true files -> class, if they differ: {255: 1} for masks of 0 and
            255. A value that is not mapped is a class index, unless another value is mapped to it.
        predicted_values: the same for the predicted files.
        boundary: also compute the IoU of the classes' boundaries.
        truth_ending: suffix of the true files' names that is not compared; other files are skipped.
        predicted_ending: the same for the predicted files.
    """

    truth: str | None = None
    predicted: str | None = None
    classes: int | None = None
    class_names: str | None = None
    ignore: int | None = 255
    truth_values: dict[int, int] = field(default_factory=dict)
    predicted_values: dict[int, int] = field(default_factory=dict)
    boundary: bool = False
    truth_ending: str = ""
    predicted_ending: str = ""

    def names(self) -> list[str]:
        """Class names; raise ConfigError if they are missing or inconsistent."""
        if self.class_names is not None:
            names = class_names(self.class_names, Path()) or []
        elif self.classes is not None and self.classes > 0:
            names = [str(index) for index in range(self.classes)]
        else:
            raise ConfigError(
                "How many classes are there?", received=self.classes, fix="--classes N"
            )
        if self.classes not in (None, len(names)):
            raise ConfigError(
                "The number of classes contradicts their names",
                expected=f"{len(names)}, as in {self.class_names}",
                received=self.classes,
                fix="leave --classes out",
            )
        if len(names) > 255 and self.ignore == 255:
            raise ConfigError(
                f"255 is one of {len(names)} classes, and also the ignored value",
                fix="--ignore 65535, or --ignore null",
            )
        return names

    def checked_values(self, classes: int) -> tuple[dict[int, int], dict[int, int]]:
        """Check and complete `truth_values` and `predicted_values`; empty if none are mapped.

        Raises:
            ConfigError: a value is out of range, or is mapped to no class.
        """
        return (
            _all_values(self.truth_values, classes, self.ignore, "--truth-values"),
            _all_values(self.predicted_values, classes, None, "--predicted-values"),
        )


def _all_values(
    named: Mapping[int, int], classes: int, ignore: int | None, option: str
) -> dict[int, int]:
    for value, index in named.items():
        if not (0 <= value < 1 << 16 and (0 <= index < classes or index == ignore)):
            raise ConfigError(
                "The map of mask values is not usable",
                expected=f"0..65535 -> 0..{classes - 1}"
                + ("" if ignore is None else f", or {ignore} to ignore"),
                received=f"{value}: {index}",
                where=option,
            )
    return all_values(named, classes) if named else {}


@dataclass
class MaskScoring(ScoreSettings, MaskFiles):
    __doc__ = with_shared_settings(MaskFiles)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    text = "Score predicted class maps: mIoU and other scores of a confusion matrix."
    words = list(sys.argv[1:] if arguments is None else arguments)
    for index, word in enumerate(words):
        if word == "--boundary" and words[index + 1 : index + 2] not in (["true"], ["false"]):
            words[index] = "--boundary=true"
    return program(lambda: run(parse(MaskScoring, words, description=text)[0]))


def run(chosen: MaskScoring) -> dict[str, float]:
    """Compare the masks of two folders, pair by pair."""
    chosen.check()
    truth = required_path(chosen.truth, "--truth", "true masks")
    predicted = required_path(chosen.predicted, "--predicted", "predicted masks")
    names = chosen.names()
    pairs = pair_masks(truth, predicted, chosen.truth_ending, chosen.predicted_ending)
    pairs.values, pairs.predicted_values = chosen.checked_values(len(names))
    pairs.ignore = chosen.ignore
    check_foreground(pairs, len(names))
    photographs = Photographs(chosen.images, {name: name for name in pairs.files})
    metrics = [chosen.watched(ConfusionMatrix(names, chosen.ignore))]
    if chosen.boundary:
        metrics.append(chosen.watched(BoundaryIoU(names, chosen.ignore)))
    update_metrics(metrics, pairs, chosen.workers)
    notes = ignored_foreground(metrics[0], pairs, chosen.ignore)
    if pairs.extra:
        notes.append(
            f"{len(pairs.extra)} predictions have no truth and were left out, such as "
            f"{predicted / pairs.extra[0]}"
        )
    return chosen.tell(
        metrics,
        f"{predicted} against {truth}: {len(pairs)} masks, {len(names)} classes",
        {
            "format": "masks",
            "truth": str(truth),
            "predicted": str(predicted),
            "classes": names,
            "ignore": chosen.ignore,
            "samples": len(pairs),
        },
        MaskPictures(pairs, photographs, names, chosen.ignore),
        notes,
    )


def check_foreground(pairs: MaskPairs, classes: int) -> None:
    """Raise DataError for predictions of 0 and 255 without `predicted_values`, from a few masks."""
    if classes > 255 or pairs.predicted_values:
        return
    for index in _some_indices(pairs):
        try:
            prediction, target = pairs.read(index)
        except DensefitError:
            continue  # unreadable files are listed later
        counted = prediction if pairs.ignore is None else prediction[target != pairs.ignore]
        if counted.size and counted.max() == 255 and np.isin(counted, (0, 255)).all():
            raise DataError(
                "A prediction has the values 0 and 255, and 255 is not a class",
                expected=f"class indices 0 to {classes - 1}",
                where=pairs.where(index),
                fix="if 255 is the foreground: --predicted-values '{255: 1}' (and --truth-values, "
                "if it is in the truth, too)",
            )


def _some_indices(pairs: MaskPairs) -> list[int]:
    """Indices of up to 8 pairs, evenly spread."""
    return sorted({round(k * (len(pairs) - 1) / 7) for k in range(8)})


def ignored_foreground(metric: Metric, pairs: MaskPairs, ignore: int | None) -> list[str]:
    """Warn if the ground truth has a single class beside the ignored value."""
    names = never_true(metric)
    classes = len(names) + 1
    inner = metric.metric if isinstance(metric, PerSample) else metric
    if ignore is None or len(names) < len(getattr(inner, "classes", ())) - 1 or classes < 2:
        return []
    masks = [pairs.true(pairs.id_of(index)) for index in _some_indices(pairs)]
    share = np.mean([(mask == ignore).mean() for mask in masks])
    if not share:
        return []
    return [
        f"WARNING: the truth has a single class, and {share:.1%} of the pixels of "
        f"{len(masks)} masks are {ignore}, which is ignored: predictions there are not scored. "
        f"If {ignore} is a class: --truth-values '{{{ignore}: 1}}' "
        "(or --ignore null, if it is among the classes)"
    ]


class MaskPictures:
    """Draw the true and the predicted mask.

    Args:
        pairs: pairs of masks.
        photographs: images to draw on.
        names: class names.
        ignore: value of the truth; its pixels are not coloured in either mask.
    """

    def __init__(
        self, pairs: MaskPairs, photographs: Photographs, names: Sequence[str], ignore: int | None
    ) -> None:
        self._pairs, self._photographs = pairs, photographs
        self._names, self._ignore = names, ignore

    def __call__(self, key: str) -> list[np.ndarray]:
        """Draw [ground truth, prediction], (H, W, 3) uint8 RGB each."""
        prediction, target = self._pairs.by_name(key)
        image, fitted = self._photographs.fitted(key, (target.shape[0], target.shape[1]))
        prediction, target = fitted(prediction), fitted(target)
        names = self._names if len(self._names) <= 255 else None
        alpha = 0.5 if self._photographs else 1.0
        return [
            draw_mask(image, self._colours(mask, target), names, alpha=alpha)
            for mask in (target, prediction)
        ]

    def _colours(self, mask: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Class to draw, (H, W) uint8; 255 for ignored pixels. Above 255, classes share colours."""
        drawn_classes = (mask % 255).astype(np.uint8)
        drawn_classes[mask >= len(self._names)] = 255
        if self._ignore is not None:
            drawn_classes[target == self._ignore] = 255
        return drawn_classes
