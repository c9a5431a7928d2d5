"""Files of samples with maps: an image, and a depth map, normals or a mask of the same name."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from densefit.datasets.files.missing_files import warn_of_absent
from densefit.datasets.files.name_pattern import NamePattern, files_by_key, suffix_hint
from densefit.datasets.files.names import doubled, read_lines
from densefit.datasets.files.paths import Name, name_below, names_below
from densefit.datasets.files.pictures import is_picture
from densefit.errors import DataError
from densefit.once import warn_once

logger = logging.getLogger(__name__)

_BETWEEN = re.compile(r"[,\s]+")
_NO_MAP = "None"  # in lists for KITTI, of images without a depth map


@dataclass
class MapFiles:
    """Files of the samples of a dataset.

    Attributes:
        files: sample name -> kind ("image", "depth", "normals", "mask") -> file, in order.
        errors: sample name -> why it cannot be read.
    """

    files: dict[str, dict[str, Path]] = field(default_factory=dict)
    errors: dict[str, DataError] = field(default_factory=dict)


def matched_files(
    patterns: Mapping[str, NamePattern],
    root: Path,
    names: Sequence[Name] | None = None,
    skip_missing: bool = False,
) -> MapFiles:
    """Find the files of samples by their names.

    Args:
        patterns: kind -> pattern of the files' paths below `root`; the image's is the first.
        root: the dataset's folder.
        names: of the samples; None: of all images.
        skip_missing: leave out images that lack a map, with a warning that counts them.

    Raises:
        ConfigError: patterns of different fields.
        DataError: a folder cannot be read, or no sample has all its files.
    """
    present = files_by_key(dict(patterns), root)
    first = next(iter(patterns))
    if names is None:
        names = list(present[first])
    if not names:
        raise DataError("There are no pictures", where=root / patterns[first].folder)
    result, skipped = MapFiles(), 0
    for name in names:
        if isinstance(name, DataError):
            result.errors[str(name.received)] = name
            result.files[str(name.received)] = {}
            continue
        error = None
        files = result.files[name] = {}
        for kind, pattern in patterns.items():
            paths = present[kind].get(name, [])
            if len(paths) != 1:
                error = error or DataError(
                    f"{name!r} does not have exactly one {kind}",
                    received=", ".join(paths) or "none",
                    where=root / pattern.folder,
                    fix=_hint(name, present[kind], kind, pattern),
                )
            files[kind] = root / (paths[0] if paths else f"{pattern.folder}/{name}")
        if error is not None and skip_missing:
            skipped += 1
            del result.files[name]
        if error is not None:
            result.errors[name] = error
    if skipped:
        warn_once(logger, "%s: %d images without a map are left out", root, skipped)
    if len(result.errors) == len(names):
        raise next(iter(result.errors.values()))
    return result


def listed_names(path: Path) -> list[Name]:
    """The names of samples in a list, one a line, with or without the extension of a picture.

    Raises:
        DataError: the list is missing or empty, or a name comes twice.
    """
    names = [os.path.normpath(name) for name in read_lines(path)]
    names = [
        os.path.splitext(name)[0] if is_picture(os.path.basename(name)) else name for name in names
    ]
    for double in doubled(names):
        raise DataError(f"{double!r} is listed twice", where=path)
    return [_checked(name, path) for name in names]


def listed_pairs(path: Path, folders: tuple[Path, Path], dataset: object) -> MapFiles | None:
    """Files out of a list with an image and its depth map a line; None if it is not such a list.

    A third word, the focal length, is not read. Images whose map is `None` are left out, with a
    warning. Both are so in the lists for NYUv2 and KITTI of BTS and its successors.

    Args:
        path: the list.
        folders: that the paths of images and of maps are below.
        dataset: for a warning of files that are absent.

    Raises:
        DataError: an image is listed twice, or none has a map.
    """
    lines = [_BETWEEN.split(line) for line in read_lines(path)]
    if not all(len(words) > 1 and _is_pair(*words[:2]) for words in lines):
        return None
    pairs = [words[:2] for words in lines if words[1] != _NO_MAP]
    if len(pairs) < len(lines):
        missing = len(lines) - len(pairs)
        warn_once(logger, "%s: %d of %d images have no map", path, missing, len(lines))
    for double in doubled(image for image, _ in pairs):
        raise DataError(f"{double!r} is listed twice", where=path)
    images, depths = (names_below([pair[i] for pair in pairs], folders[i], path) for i in (0, 1))
    warn_of_absent(dataset, images, folders[0], "images")
    warn_of_absent(dataset, depths, folders[1], "depth maps")
    result = MapFiles()
    for (listed, _), image, depth in zip(pairs, images, depths):
        name = os.path.splitext(listed if isinstance(image, DataError) else image)[0]
        if isinstance(image, DataError) or isinstance(depth, DataError):
            result.errors[name] = image if isinstance(image, DataError) else depth  # type: ignore[assignment]
            result.files[name] = {}
            continue
        result.files[name] = {"image": folders[0] / image, "depth": folders[1] / depth}
    if len(result.errors) == len(result.files):
        raise next(iter(result.errors.values()), DataError("No image has a map", where=path))
    return result


def _is_pair(image: str, depth: str) -> bool:
    return is_picture(os.path.basename(image)) and (
        depth == _NO_MAP or is_picture(os.path.basename(depth))
    )


def _checked(name: str, path: Path) -> Name:
    try:
        return name_below(name, path)
    except DataError as error:
        return DataError(
            error.what, expected=error.expected, received=name, where=error.where, fix=error.fix
        )


def _hint(
    name: str, present: Mapping[str, Sequence[str]], kind: str, pattern: NamePattern
) -> str | None:
    """A pattern that would pair an image, if its maps have only a folder so far."""
    hint = suffix_hint([name], present, "") if pattern.is_plain else None
    if hint is None:
        return None
    suffix = next(key for key in sorted(present) if key.startswith(name) and key != name)
    setting = {"image": "images", "depth": "depths", "mask": "masks"}.get(kind, kind)
    return f"{setting}='{pattern.folder}/{{name}}{suffix[len(name) :]}', if {suffix!r} is its map"
