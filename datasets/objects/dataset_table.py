"""The table of a dataset: made of its annotations, or of what an earlier start stored."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from densefit.datasets.files.boxes import BoxCheck
from densefit.datasets.files.folder_state import FolderState
from densefit.datasets.files.missing_files import warn_of_absent
from densefit.once import collected_warnings, warn_once

from .annotation import DatasetAnnotations
from .object_table import ObjectTable
from .skeleton import Skeleton
from .table_builder import build_table
from .table_cache import TableCache

#: Reads the annotations of a dataset.
Read = Callable[[], DatasetAnnotations]


@dataclass(frozen=True)
class TableOptions:
    """What decides the table of a dataset beside its annotations.

    Attributes:
        image_root: folder that the images' paths are below.
        segmentations: keep them.
        bad_boxes: see `BoxCheck`.
        exif: images are turned as their EXIF orientation says.
        noun: of the images, for a warning of those that are absent; None: there is no warning.
    """

    image_root: Path
    segmentations: bool
    bad_boxes: str
    exif: bool
    noun: str | None


@dataclass(frozen=True)
class Stored:
    """Where a table may be stored, and what it depends on.

    Attributes:
        sources: annotation files, and folders whose list of files counts; the table is stored
            beside the first of them.
        key: what else decides the table, besides the sources and the dataset's repr.
        look: gives the state of the folders of images and annotations. A table that is stored
            with it has all that the reading warned of, so that the next start does not read.
    """

    sources: Sequence[Path]
    key: str = ""
    look: Callable[[], FolderState] | None = None


def dataset_table(
    dataset: object, read: Read, options: TableOptions, stored: Stored | None
) -> ObjectTable:
    """Make the table of a dataset, or map a stored one.

    Its `meta` has "check" (see `BoxCheck`), "classes", "skeleton" and "notes".

    Args:
        dataset: for messages, and as a key by its repr.
        read: reads the annotations.
        options: of the table.
        stored: None: the table is not stored.
    """

    def build() -> ObjectTable:
        with collected_warnings() as warnings:
            annotations = read()
            check = BoxCheck(options.bad_boxes)
            skeleton = annotations.skeleton
            table = build_table(
                annotations.images,
                annotations.classes,
                options.image_root,
                check,
                segmentations=options.segmentations,
                keypoints=0 if skeleton is None else len(skeleton.names),
                exif=options.exif,
            )
            if options.noun is not None and stored is not None and stored.look is not None:
                warn_of_absent(dataset, list(table.files), options.image_root, options.noun)
        table.meta.update(
            check=check.state_dict(),
            classes=list(annotations.classes),
            skeleton=None if skeleton is None else vars(skeleton),
            notes=dict(annotations.notes),
            warnings=warnings,
        )
        return table

    if stored is None:
        return build()
    key = f" {stored.key}" if stored.key else ""
    settings = f"{dataset!r}{key} {options.segmentations} {options.bad_boxes} {options.noun}"
    name = type(dataset).__name__.lower()
    cache = TableCache(stored.sources, settings, name, options.image_root, stored.look)
    table = cache.load()
    if table is None:
        return cache.store(build)
    for logger_name, text in table.meta["warnings"]:
        warn_once(logging.getLogger(logger_name), "%s", text)
    return table


def skeleton_of(meta: Mapping[str, Any]) -> Skeleton | None:
    """The skeleton of a table's `meta`."""
    return None if meta["skeleton"] is None else Skeleton(**meta["skeleton"])
