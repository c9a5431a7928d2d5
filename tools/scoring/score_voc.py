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

from .score_settings import ScoreSettings, given, update_metrics, with_shared_settings

CONVENTIONS = {2007: "11point", 2012: "area"}


@dataclass
class VocFiles:
    """What is scored, and how.

    Args:
        annotations: folder of a VOC year, with Annotations and ImageSets, or of XML files.
        results: folder of files comp4_det_test_CLASS.txt, or one of them, whose class then is all.
        split: list in ImageSets/Main of what counts; test, else val, else all annotations.
        year: 2007 for the mean of precisions at 11 recalls, 2012 for the area under the curve.
        iou: smallest overlap of a right detection.
        pixel_offset: edges are whole pixels that belong to the box: widths are x2 - x1 + 1, as in
            the devkit. False for edges that are continuous: x2 - x1.
        class_names: file with a class a line; those of the annotations by default.
        score_threshold: also give precision, recall and F1 of the detections with this score.
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
            "There are two rules of average precision",
            expected="2007 (11 points) or 2012 (area)",
            received=chosen.year,
            where="--year",
        )
    annotations = given(chosen.annotations, "--annotations", "annotations")
    results = given(chosen.results, "--results", "results")
    truth = read_voc(annotations, chosen.split)
    classes, files, notes = chosen_classes(chosen, truth, results)
    images = list(truth.files)
    listed = truth.folder if truth.split is None else f"{truth.split}.txt"
    read = {
        name: read_class(path, truth.files, f"the {len(images)} images of {listed}")
        for name, path in files.items()
    }
    labels = [classes.index(name) for name in read]
    predictions = by_image(list(read.values()), labels, images)
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
            "detections": sum(len(one.images) for one in read.values()),
        },
        pairs.pictures,
        notes,
    )


def chosen_classes(
    chosen: VocScoring, truth: VocTruth, results: Path
) -> tuple[list[str], dict[str, Path], list[str]]:
    """(the classes that are scored, their files, notes on what is missing)."""
    named = class_names(chosen.class_names, truth.folder) if chosen.class_names else None
    classes = truth.names() if named is None else named
    if not classes:
        raise DataError("The annotations have no object", where=truth.folder)
    if named is not None:
        files = find_files(results, named)
    else:  # a class may well have no object in a small list
        known = VOC_CLASSES if set(classes) <= set(VOC_CLASSES) else classes
        files = find_files(results, known, truth.all_names)
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
    """The images with their predictions and targets."""

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
        """The image's id."""
        return self.images[index]

    def where(self, index: int) -> str:
        """The annotations."""
        return str(self.truth.folder)

    def read(self, index: int) -> tuple[Any, Any]:
        """(prediction, target)."""
        key = self.id_of(index)
        return self.predictions[key], self.truth.target(key, self.classes)

    def pictures(self, key: str) -> list[np.ndarray]:
        """[(H, W, 3) with what is true, (H, W, 3) with what was predicted], uint8 RGB."""
        target, prediction = self.truth.target(key, self.classes), self.predictions[key]
        corners = np.concatenate([target["boxes"], prediction["boxes"], [[0, 0, 64, 64]]])
        size = self.truth.files[key].size or tuple(
            np.clip(corners[:, [3, 2]].max(axis=0), 1, 4096).astype(int)
        )
        image, fitted = self.photographs.fitted(key, (int(size[0]), int(size[1])))
        threshold = DRAWN if self.threshold is None else self.threshold
        shown = prediction["scores"] >= threshold
        # Pixels from 1, the last included, to edges.
        first = np.array([1.0, 1.0, 0.0, 0.0])
        true = fitted({"boxes": target["boxes"] - first})["boxes"]
        return [
            draw_boxes(image, true, target["classes"], self.classes),
            draw_boxes(
                note_unreached(image, prediction["scores"], threshold),
                fitted({"boxes": prediction["boxes"][shown] - first})["boxes"],
                prediction["classes"][shown],
                self.classes,
                prediction["scores"][shown],
            ),
        ]
