"""Small drawings of samples with their labels, for the page of a report."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from densefit.data.checks.sample import read_sample
from densefit.data.sample import Dataset, Sample
from densefit.tools.data_check.check import DataCheck
from densefit.tools.data_check.equal_images import Group, ImageRef
from densefit.tools.data_check.labels import class_names, counts_by_target
from densefit.tools.data_check.split import SplitCheck
from densefit.visualize.drawing import draw_boxes, draw_mask
from densefit.visualize.fitted import Fitted
from densefit.visualize.style import Color, color_of

_SMALLEST, _LARGEST = 240, 320  # pixels of a drawing's longer side
_QUALITY = 82  # of JPEG
_SAMPLES, _PAIRS = 4, 6  # of each split; groups of equal images
_LEGEND = 40  # classes
_NAMED = 12  # boxes; names of more would hide the image


@dataclass(frozen=True)
class Thumbnails:
    """Drawings for a page.

    Attributes:
        samples: some samples of each split.
        equal: groups of equal images.
        colors: class name -> its color in the drawings, for a legend.
    """

    samples: Sequence[Thumbnail] = ()
    equal: Sequence[Sequence[Thumbnail]] = ()
    colors: Mapping[str, Color] = field(default_factory=dict)

    @classmethod
    def of(cls, check: DataCheck) -> Thumbnails:
        """Draw samples and equal images of a check."""
        colors: dict[str, Color] = {}
        for split in check.splits.values():
            for target, _, _ in counts_by_target(split.labels):
                if target in ("classes", "mask"):
                    names = class_names(split.dataset, target)[:_LEGEND]
                    colors.update({name: color_of(index) for index, name in enumerate(names)})
        return cls(list(sample_thumbnails(check)), list(equal_thumbnails(check)), colors)


@dataclass(frozen=True)
class Thumbnail:
    """A drawing.

    Attributes:
        caption: split and id of the sample.
        labels: what is drawn on it: "3 objects".
        data: a JPEG as a data URL.
        size: (height, width) in pixels.
    """

    caption: str
    labels: str
    data: str
    size: tuple[int, int]


def sample_thumbnails(check: DataCheck) -> Iterator[Thumbnail]:
    """Yield drawings of some samples of each split, spread over those with labels."""
    for split, of_split in check.splits.items():
        for index in _spread(of_split):
            thumbnail = thumbnail_of(split, of_split.dataset, index)
            if thumbnail is not None:
                yield thumbnail


def equal_thumbnails(check: DataCheck) -> Iterator[list[Thumbnail]]:
    """Yield drawings of the first groups of equal images, those of several splits first."""
    groups = sorted(check.groups, key=lambda group: len({image.split for image in group}) == 1)
    for group in groups[:_PAIRS]:
        drawings = [
            thumbnail_of(image.split, check.splits[image.split].dataset, image.index)
            for image in _pair(group)
        ]
        if all(drawings):
            yield [drawing for drawing in drawings if drawing is not None]


def _pair(group: Group) -> list[ImageRef]:
    """Two images of a group, of different splits if it has several."""
    first = group[0]
    second = next((image for image in group if image.split != first.split), group[1])
    return [first, second]


def thumbnail_of(split: str, dataset: Dataset, index: int) -> Thumbnail | None:
    """Drawing of a sample; None if it cannot be read."""
    try:
        sample = read_sample(dataset, index, [])
    except Exception:  # a finding of its own
        return None
    image = drawn(sample, dataset)
    ok, data = cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )
    if not ok:
        return None
    text = base64.b64encode(data.tobytes()).decode("ascii")
    size = (image.shape[0], image.shape[1])
    return Thumbnail(
        f"{split}: {sample.id}", _labels(sample, dataset), f"data:image/jpeg;base64,{text}", size
    )


def drawn(sample: Sample, dataset: Dataset) -> np.ndarray:
    """Draw the boxes and the mask of a sample on its image, in a small size."""
    height, width = sample.image.shape[:2]
    fitted = Fitted.within((height, width), _SMALLEST, _LARGEST)
    image, targets = fitted.image(sample.image), sample.targets
    if "mask" in targets:
        names = class_names(dataset, "mask")
        hidden = [255, *(0 for name in names[:1] if name == "background")]
        image = draw_mask(image, fitted(targets["mask"]), None, 0.45, hidden)
    if "boxes" in targets and "classes" in targets:
        named: list[str] | None = class_names(dataset, "classes")
        classes = targets["classes"]
        if len(classes) > _NAMED or not named or classes.max(initial=-1) >= len(named):
            named = None
        image = draw_boxes(image, fitted({"boxes": targets["boxes"]})["boxes"], classes, named)
    return image


def _labels(sample: Sample, dataset: Dataset) -> str:
    targets, parts = sample.targets, []
    if "boxes" in targets:
        count = len(targets["boxes"])
        parts.append(f"{count} object{'s' * (count != 1)}")
    if "label" in targets and int(targets["label"]) >= 0:
        names, number = class_names(dataset, "label"), int(targets["label"])
        parts.append(names[number] if number < len(names) else str(number))
    return ", ".join(parts)


def _spread(split: SplitCheck) -> list[int]:
    unusable, unlabelled = split.broken, set(split.labels.empty)
    usable = [index for index in range(len(split.dataset)) if index not in unusable]
    labelled = [index for index in usable if index not in unlabelled] or usable
    last = len(labelled) - 1
    positions = {round(k * last / max(1, _SAMPLES - 1)) for k in range(_SAMPLES)}
    return [labelled[position] for position in sorted(positions)] if labelled else []
