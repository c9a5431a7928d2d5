"""Images whose label file is missing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from densefit.errors import DataError
from densefit.once import warn_once

from .paths import Name

logger = logging.getLogger(__name__)

_TRIED = 8  # images that are looked for
_MANY = 0.1  # share of images without a label file


def check_labels(
    dataset: object,
    root: Path,
    images: Sequence[Name],
    label_files: Sequence[str | None],
    expected: Callable[[str], str],
) -> None:
    """Tell how many images have no label file: they count as images without objects.

    Args:
        dataset: for the message.
        root: folder of the dataset.
        images: their paths; those that are errors are not counted.
        label_files: their label files; None where there is none.
        expected: where the label file of an image should be.

    Raises:
        DataError: no image has one.
    """
    missing = [
        image
        for image, file in zip(images, label_files)
        if file is None and not isinstance(image, DataError)
    ]
    if missing and len(missing) == len(images):
        fix = "name the folders by image_folder and label_folder; an image without objects has an "
        fix += "empty file"
        if not any((root / image).exists() for image in missing[:_TRIED]):
            fix = "the images are not there, either: export with images, and keep the paths of the "
            fix += "list, or put the images beside the label files and remove the list"
        raise DataError(
            "No image has a label file",
            expected=f"{root / expected(missing[0])}",
            received=f"{len(missing)} images, the first {missing[0]}",
            where=root,
            fix=fix,
        )
    if missing:
        text = "%s: %d of %d images have no label file and count as images without objects, "
        text += "the first: %s"
        values = (dataset, len(missing), len(images), missing[0])
        if len(missing) > _MANY * len(images):
            warn_once(logger, text, *values)
        else:
            logger.info(text, *values)
