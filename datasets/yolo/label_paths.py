"""Where the label files of images are, and how many are missing."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from densefit.datasets.files.paths import Name
from densefit.errors import DataError

logger = logging.getLogger(__name__)

_MANY = 0.1  # share of images without a label file


def label_file(image: str, image_folder: str, label_folder: str) -> str:
    """Path of an image's label file: the last folder of images becomes the folder of labels.

    >>> label_file("images/train/a.b.jpg", "images", "labels")
    'labels/train/a.b.txt'
    """
    parts = image.split("/")
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] == image_folder:
            parts[index] = label_folder
            break
    return os.path.splitext("/".join(parts))[0] + ".txt"


def find_label_file(root: Path, image: Name, image_folder: str, label_folder: str) -> str | None:
    """Path of an image's label file below the root; None if it has none."""
    if isinstance(image, DataError):
        return None
    beside = os.path.splitext(image)[0] + ".txt"
    for file in (label_file(image, image_folder, label_folder), beside):
        if os.path.lexists(root / file):
            return file
    return None


def check_labels(
    dataset: object,
    root: Path,
    images: Sequence[Name],
    label_files: Sequence[str | None],
    image_folder: str,
    label_folder: str,
) -> None:
    """Warn of images without a label file; raise DataError if none has one."""
    missing = [
        image
        for image, file in zip(images, label_files)
        if file is None and not isinstance(image, DataError)
    ]
    if missing and len(missing) == len(images):
        expected = label_file(missing[0], image_folder, label_folder)
        raise DataError(
            "No image has a label file",
            expected=f"{root / expected}",
            received=f"{len(missing)} images, the first {missing[0]}",
            where=root,
            fix="name the folders by image_folder and label_folder; an image without objects "
            "has an empty file",
        )
    if missing:
        level = logging.WARNING if len(missing) > _MANY * len(images) else logging.INFO
        text = "%s: %d of %d images have no label file and count as images without objects, "
        text += "the first: %s"
        logger.log(level, text, dataset, len(missing), len(images), missing[0])
