"""Pairs of an image and its mask: out of a list, or by the names of the files."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from densefit.datasets.files.missing_files import warn_of_absent
from densefit.datasets.files.name_pattern import NamePattern, files_by_key, suffix_hint
from densefit.datasets.files.names import doubled, read_lines
from densefit.datasets.files.paths import names_below
from densefit.datasets.files.pictures import check_apart
from densefit.errors import DataError
from densefit.once import warn_once

logger = logging.getLogger(__name__)


@dataclass
class FilePairs:
    """Images and masks, as paths below the dataset's folder.

    Attributes:
        files: image and mask of each sample.
        errors: sample index -> why it has no such pair.
    """

    files: list[tuple[str, str]] = field(default_factory=list)
    errors: dict[int, DataError] = field(default_factory=dict)


def listed_pairs(path: Path, root: Path, dataset: object) -> FilePairs:
    """Read a list with an image and its mask a line, and a blank between.

    Args:
        path: the list.
        root: folder that the paths in the list are below.
        dataset: for a warning of files that are absent.

    Raises:
        DataError: the list is missing or broken, or an image is listed twice.
    """
    lines = [(line, line.split()) for line in read_lines(path)]
    for number, (line, words) in enumerate(lines, 1):
        if len(words) != 2:
            raise DataError(
                "A line of the list is not an image and a mask",
                expected="two paths with a blank between",
                received=f"{line!r:.200}",
                where=f"{path}, entry {number}",
            )
    pairs = FilePairs([(words[0], words[1]) for _, words in lines])
    images, masks = (names_below([pair[i] for pair in pairs.files], root, path) for i in (0, 1))
    warn_of_absent(dataset, images, root, "pictures")
    warn_of_absent(dataset, masks, root, "masks")
    for index, (image, mask) in enumerate(zip(images, masks)):
        if isinstance(image, DataError):
            pairs.errors[index] = image
        elif isinstance(mask, DataError):
            pairs.errors[index] = mask
        else:
            pairs.files[index] = (image, mask)
    for double in doubled(Path(image).with_suffix("") for image, _ in pairs.files):
        raise DataError(f"The picture {double} is listed twice", where=path)
    return pairs


def matched_pairs(images: NamePattern, masks: NamePattern, root: Path, fix: str) -> FilePairs:
    """Pair images and masks by their names.

    Args:
        images: pattern of the images' paths below `root`.
        masks: pattern of the masks' paths.
        root: the dataset's folder.
        fix: what to do if both have one pattern.

    Raises:
        ConfigError: images and masks have one folder and one pattern, or other fields.
        DataError: a folder cannot be read, there are no images, or none has a mask.
    """
    folders = {"images": root / images.folder, "masks": root / masks.folder}
    if images.names == masks.names:
        check_apart(folders, fix)
    present = files_by_key({"images": images, "masks": masks}, root)
    if not present["images"]:
        raise DataError("There are no pictures", expected=images.text, where=root / images.folder)
    pairs = FilePairs()
    for key, names in present["images"].items():
        matching = present["masks"].get(key, [])
        if len(names) > 1 or len(matching) != 1:
            pairs.errors[len(pairs.files)] = DataError(
                f"The picture {key!r} does not have exactly one mask",
                received=f"pictures {names}, masks {matching}",
                where=root / masks.folder,
                fix=_suffix(masks, [key], present["masks"]),
            )
        pairs.files.append((names[0], matching[0] if matching else ""))
    if len(pairs.errors) == len(pairs.files):
        first = pairs.errors[0]
        hint = _suffix(masks, list(present["images"]), present["masks"])
        raise DataError(first.what, received=first.received, where=first.where, fix=hint)
    spare = sorted(present["masks"].keys() - present["images"].keys())
    if spare:
        warn_once(
            logger,
            "%s: %d masks have no image in %s, the first: %s",
            *(root / masks.folder, len(spare), root / images.folder, spare[0]),
        )
    return pairs


def _suffix(masks: NamePattern, keys: Sequence[str], present: dict[str, list[str]]) -> str | None:
    """A suffix that would pair an image, if the masks have only a folder so far."""
    return suffix_hint(keys, present, "mask_suffix") if masks.is_plain else None
