"""Score detections in the files of the PASCAL VOC devkit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from densefit.config import parse
from densefit.datasets.files.names import class_names
from densefit.errors import ConfigError, DataError
from densefit.metrics import VOCAveragePrecision
from densefit.tools.formats.image_source import Photographs
from densefit.tools.formats.voc_results import VOC_CLASSES, by_image, find_files, read_class
from densefit.tools.formats.voc_truth import VocTruth, read_voc
from densefit.tools.recipes.program import program
from densefit.tools.report.coco_pictures import DRAWN
from densefit.visualize.drawing import draw_boxes, note_unreached

from .score_settings import ScoreSettings, required_path, update_metrics, with_shared_settings

CONVENTIONS = {2007: "11point", 2012: "area"}


@dataclass
class VocFiles:
    """Files and settings of a PASCAL VOC evaluation.

    Args:
        annotations: folder of a VOC year, with Annotations and ImageSets, or of XML files.
        results: folder of files comp4_det_test_CLASS.txt, or one file to score one class.
        split: image list in ImageSets/Main; by default test, else val, else all annotations.
        year: 2007 for the mean of precisions at 11 recalls, 2012 for the area under the curve.
        iou: smallest IoU of a correct detection.
        pixel_offset: whether widths are x2 - x1 + 1, as in the devkit; false for x2 - x1.
        class_names: file with a class per line; by default the classes of the annotations.
        score_threshold: also compute precision, recall and F1 of detections with at least this
            score.
    """

    annotations: str | None = None
    results: str | None = None
    split: str | None = None
    year: int = 2012
    iou: float = 0.5
    pixel_offset: bool = True
    class_names: str | None = None
    score_threshold: float | None = None


@dataclass
class VocScoring(ScoreSettings, VocFiles):
    __doc__ = with_shared_settings(VocFiles)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    text = "Average precision of detections by the rules of the PASCAL VOC devkit."
    return program(lambda: run(parse(VocScoring, arguments, description=text)[0]))


def run(chosen: VocScoring) -> dict[str, float]:
    """Compare the annotations with the files of all classes."""
    chosen.check()
    if chosen.year not in CONVENTIONS:
        raise ConfigError(
            "There is no such rule of average precision",
            expected="2007 (11 points) or 2012 (area)",
            received=chosen.year,
            where="--year",
        )
    annotations = required_path(chosen.annotations, "--annotations", "annotations")
    results = required_path(chosen.results, "--results", "results")
    truth = read_voc(annotations, chosen.split)
    classes, files, notes = chosen_classes(chosen, truth, results)
    images = list(truth.files)
    listed = truth.folder if truth.split is None else f"{truth.split}.txt"
    class_files = {
        name: read_class(path, truth.files, f"the {len(images)} images of {listed}")
        for name, path in files.items()
    }
    labels = [classes.index(name) for name in class_files]
    predictions = by_image(list(class_files.values()), labels, images)
    photographs = Photographs(chosen.images, {key: key for key in images})
    pairs = VocPairs(truth, classes, predictions, chosen.score_threshold, photographs)
    metric = chosen.watched(
        VOCAveragePrecision(
            classes,
            iou=chosen.iou,
            convention=CONVENTIONS[chosen.year],
            pixel_offset=chosen.pixel_offset,
            score_threshold=chosen.score_threshold,
        )
    )
    update_metrics([metric], pairs, workers=0, together=64)
    pairs.threshold = chosen.drawn_from([metric])
    split = "" if truth.split is None else f"{truth.split!r} "
    return chosen.tell(
        [metric],
        f"{results} on the {len(images)} {split}images of {annotations}: "
        f"VOC {chosen.year} rule at IoU {chosen.iou:g}",
        {
            "format": "voc",
            "annotations": str(annotations),
            "results": str(results),
            "split": truth.split,
            "year": chosen.year,
            "convention": CONVENTIONS[chosen.year],
            "iou": chosen.iou,
            "samples": len(images),
            "objects": sum(len(file.objects) for file in truth.files.values()),
            "detections": sum(len(detections.images) for detections in class_files.values()),
        },
        pairs.pictures,
        notes,
    )


def chosen_classes(
    chosen: VocScoring, truth: VocTruth, results: Path
) -> tuple[list[str], dict[str, Path], list[str]]:
    """Choose (classes to score, their files, notes on missing files)."""
    named = class_names(chosen.class_names, truth.folder) if chosen.class_names else None
    classes = truth.names() if named is None else named
    if not classes:
        raise DataError("The annotations have no object", where=truth.folder)
    if named is not None:
        files = find_files(results, named)
    else:  # a class may well have no object in a small list
        candidates = VOC_CLASSES if set(classes) <= set(VOC_CLASSES) else classes
        files = find_files(results, candidates, truth.all_names)
    notes = []
    if results.is_file():
        classes = list(files)
        notes.append(f"one file of results: only the class {classes[0]!r} is scored")
    else:
        unpredicted = [name for name in classes if name not in files]
        if unpredicted:
            notes.append(
                f"no file of results, so AP 0 if there are objects: {', '.join(unpredicted)}"
            )
        classes = sorted({*classes, *files}) if named is None else classes
    unscored = sorted({*truth.names()} - {*classes})
    if unscored and not results.is_file():
        notes.append(f"objects of classes that are not scored: {', '.join(unscored)}")
    return classes, files, notes


@dataclass
class VocPairs:
    """Images with predictions and targets."""

    truth: VocTruth
    classes: list[str]
    predictions: Mapping[str, dict[str, Any]]
    threshold: float | None
    photographs: Photographs

    def __post_init__(self) -> None:
        self.images = list(self.truth.files)

    def __len__(self) -> int:
        return len(self.predictions)

    def id_of(self, index: int) -> str:
        """Id of an image."""
        return self.images[index]

    def where(self, index: int) -> str:
        """Folder of the annotations, for errors."""
        return str(self.truth.folder)

    def read(self, index: int) -> tuple[Any, Any]:
        """Read (prediction, target)."""
        key = self.id_of(index)
        return self.predictions[key], self.truth.target(key, self.classes)

    def pictures(self, key: str) -> list[np.ndarray]:
        """Draw [ground truth, prediction], (H, W, 3) uint8 RGB each."""
        target, prediction = self.truth.target(key, self.classes), self.predictions[key]
        corners = np.concatenate([target["boxes"], prediction["boxes"], [[0, 0, 64, 64]]])
        size = self.truth.files[key].size or tuple(
            np.clip(corners[:, [3, 2]].max(axis=0), 1, 4096).astype(int)
        )
        image, fitted = self.photographs.fitted(key, (int(size[0]), int(size[1])))
        threshold = DRAWN if self.threshold is None else self.threshold
        drawn_rows = prediction["scores"] >= threshold
        # From inclusive pixel indices that start at 1 to continuous edges.
        first = np.array([1.0, 1.0, 0.0, 0.0])
        true = fitted({"boxes": target["boxes"] - first})["boxes"]
        return [
            draw_boxes(image, true, target["classes"], self.classes),
            draw_boxes(
                note_unreached(image, prediction["scores"], threshold),
                fitted({"boxes": prediction["boxes"][drawn_rows] - first})["boxes"],
                prediction["classes"][drawn_rows],
                self.classes,
                prediction["scores"][drawn_rows],
            ),
        ]
