"""Score segments in COCO's panoptic format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from densefit.config import parse
from densefit.errors import DataError
from densefit.metrics import PanopticQuality
from densefit.tools.formats.image_source import Photographs
from densefit.tools.formats.panoptic_files import (
    PanopticTruth,
    SegmentFile,
    read_panoptic_results,
    read_panoptic_truth,
)
from densefit.tools.recipes.program import program
from densefit.visualize.drawing import draw_mask

from .score_settings import ScoreSettings, required_path, update_metrics, with_shared_settings


@dataclass
class PanopticFiles:
    """Files of a panoptic evaluation.

    Args:
        annotations: file of the ground truth, in the COCO panoptic format.
        results: file of the predictions, in the COCO panoptic format.
        truth_dir: folder of the true PNG files; by default annotations without ".json".
        predicted_dir: folder of the predicted PNG files; by default results without ".json".
    """

    annotations: str | None = None
    results: str | None = None
    truth_dir: str | None = None
    predicted_dir: str | None = None


@dataclass
class PanopticScoring(ScoreSettings, PanopticFiles):
    __doc__ = with_shared_settings(PanopticFiles)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    text = "Panoptic quality of predicted segments, as COCO's panopticapi computes it."
    return program(lambda: run(parse(PanopticScoring, arguments, description=text)[0]))


def run(chosen: PanopticScoring) -> dict[str, float]:
    """Compare the two files, image by image."""
    chosen.check()
    annotations = required_path(chosen.annotations, "--annotations", "annotations")
    results = required_path(chosen.results, "--results", "results")
    truth = read_panoptic_truth(annotations, _folder(chosen.truth_dir))
    predicted_segments, extra = read_panoptic_results(results, truth, _folder(chosen.predicted_dir))
    pairs = PanopticPairs(truth, predicted_segments)
    photographs = Photographs(
        chosen.images, {str(key): name for key, name in truth.pictures.items()}
    )
    metric = chosen.watched(PanopticQuality(truth.classes, truth.things))
    update_metrics([metric], pairs, chosen.workers)
    return chosen.tell(
        [metric],
        f"{results} on the {len(pairs)} images of {annotations}",
        {
            "format": "panoptic",
            "annotations": str(annotations),
            "results": str(results),
            "samples": len(pairs),
            "things": truth.things,
        },
        PanopticPictures(pairs, photographs),
        [f"{extra} predicted images have no truth and were left out"] if extra else [],
    )


def _folder(text: str | None) -> Path | None:
    return None if text is None else Path(text)


class PanopticPairs:
    """Images with predicted and true segments.

    Args:
        truth: ground truth.
        results: results of all images of the ground truth.
    """

    def __init__(self, truth: PanopticTruth, results: SegmentFile) -> None:
        self.truth, self._results = truth, results
        self._ids = list(truth.segments.index_by_id)
        self._indices = {str(key): index for index, key in enumerate(self._ids)}

    def __len__(self) -> int:
        return len(self._ids)

    def id_of(self, index: int) -> str:
        """Id of an image."""
        return str(self._ids[index])

    def where(self, index: int) -> str:
        """Records and files of an image, for errors."""
        key = self._ids[index]
        truth, results = self.truth.segments, self._results
        true, predicted = truth.index_by_id[key], results.index_by_id[key]
        return f"truth {truth.where(true)}, prediction {results.where(predicted)}"

    def read(self, index: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Read (prediction, target)."""
        key, labels = self._ids[index], self.truth.labels
        target = self.truth.segments.read(self.truth.segments.index_by_id[key], labels)
        prediction = self._results.read(self._results.index_by_id[key], labels)
        true, size = target["map"].shape, prediction["map"].shape
        if size != true:
            truth_index = self.truth.segments.index_by_id[key]
            raise DataError(
                "A prediction does not have the size of its ground truth",
                expected=f"{true} (height, width), as {self.truth.segments.png(truth_index)}",
                received=size,
                where=self._results.png(self._results.index_by_id[key]),
            )
        return prediction, target

    def by_name(self, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Read (prediction, target) by image id."""
        return self.read(self._indices[name])


class PanopticPictures:
    """Draw true and predicted segments, coloured by class, with their borders.

    Args:
        pairs: images with predicted and true segments.
        photographs: images to draw on.
    """

    def __init__(self, pairs: PanopticPairs, photographs: Photographs) -> None:
        self._pairs, self._photographs = pairs, photographs

    def __call__(self, key: str) -> list[np.ndarray]:
        """Draw [ground truth, prediction], (H, W, 3) uint8 RGB each."""
        prediction, target = self._pairs.by_name(key)
        size = target["map"].shape
        image, fitted = self._photographs.fitted(key, (size[0], size[1]))
        names = self._pairs.truth.classes
        alpha = 0.5 if self._photographs else 1.0
        return [draw_segments(image, fitted(side), names, alpha) for side in (target, prediction)]


def draw_segments(
    image: np.ndarray, segments: Mapping[str, Any], names: Sequence[str], alpha: float
) -> np.ndarray:
    """Draw segments on a copy of an image.

    Args:
        image: (H, W, 3) uint8 RGB.
        segments: "map", "ids" and "classes", as the panoptic metric takes them.
        names: class names.
        alpha: opacity of the colours.
    """
    order = np.argsort(segments["ids"])
    ids, classes = segments["ids"][order], segments["classes"][order]
    # Void pixels and more than 255 classes: 255 is left without colour.
    labels = np.append(classes % 255, 255).astype(np.uint8)
    segment_indices = np.searchsorted(ids, segments["map"])
    segment_indices[segments["map"] == 0] = len(ids)
    drawn = draw_mask(image, labels[segment_indices], alpha=alpha, contour=False)
    numbers, corner = segment_indices.astype(np.float32), np.ones((2, 2), np.uint8)
    drawn[cv2.dilate(numbers, corner) != cv2.erode(numbers, corner)] = 255
    legend = names if len(names) <= 255 else None
    return draw_mask(drawn, labels[segment_indices], legend, alpha=0.0, contour=False)
