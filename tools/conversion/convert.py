"""Convert a dataset to another layout: in a new folder, counted, and read back."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from densefit.data.classes.class_lists import dataset_list
from densefit.data.sample import Dataset
from densefit.errors import ConfigError, DataError

from .coco_writer import COCOWriter
from .labelimg_writer import LabelImgWriter
from .mask_folder_writer import MaskFolderWriter
from .nyuv2_writer import NYUv2Writer
from .record_writer import RecordWriter
from .verify import verify_split
from .voc_writer import VOCWriter
from .writer import Writer
from .yolo_writer import YOLOWriter

WRITERS: Mapping[str, type[Writer]] = {
    writer.name: writer
    for writer in (
        COCOWriter,
        VOCWriter,
        LabelImgWriter,
        YOLOWriter,
        MaskFolderWriter,
        NYUv2Writer,
        RecordWriter,
    )
}


@dataclass
class Conversion:
    """What was written.

    Attributes:
        samples: split -> number of samples.
        copied: number of image files that were copied unchanged; others became PNG.
        lost: what the layout cannot keep -> number.
        settings: of the dataset that reads the folder.
        verified: number of samples that were read back and compared.
    """

    samples: dict[str, int] = field(default_factory=dict)
    copied: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    settings: dict[str, Any] = field(default_factory=dict)
    verified: int = 0


def convert(
    splits: Mapping[str, Dataset],
    layout: str,
    out: Path,
    *,
    lossy: bool = False,
    verify: bool = True,
) -> Conversion:
    """Write a dataset in another layout.

    Everything is written into a folder beside `out`, which takes its name at the end: an
    interrupted conversion leaves no half dataset there.

    Args:
        splits: name -> dataset.
        layout: coco, voc, labelimg, yolo, mask_folder, nyuv2 or record.
        out: new folder.
        lossy: go on where the layout cannot keep everything.
        verify: read everything back and compare it: classes, flags and masks exactly, coordinates
            to 1e-3 pixels.

    Raises:
        ConfigError: unknown layout, or `out` is there.
        DataError: a sample is broken; the layout cannot keep something and `lossy` is not set; or
            what was read back differs.
    """
    if layout not in WRITERS:
        raise ConfigError(
            "Unknown layout to convert to",
            expected=", ".join(WRITERS),
            received=layout,
            where="to",
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(
            "The folder to write to is not empty",
            received=out,
            where="out",
            fix="name another, or remove it",
        )
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        conversion = _write(splits, WRITERS[layout], partial, lossy, verify)
        if out.is_dir():
            out.rmdir()
        partial.replace(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return conversion


def _write(
    splits: Mapping[str, Dataset], kind: type[Writer], folder: Path, lossy: bool, verify: bool
) -> Conversion:
    conversion = Conversion()
    if kind.has_one_class_list:
        _check_class_lists(splits)
    writer = kind(folder, next(iter(splits.values())))
    settings: dict[str, dict[str, Any]] = {}
    for split, dataset in splits.items():
        conversion.copied += writer.write(split, dataset)
        conversion.samples[split] = len(dataset)
        settings[split] = writer.settings()
        conversion.settings.update(settings[split])
    conversion.lost = writer.lost
    if writer.lost and not lossy:
        raise DataError(
            f"The layout {kind.name} cannot keep everything",
            received=", ".join(f"{count} {what}" for what, count in sorted(writer.lost.items())),
            where=", ".join(f"{split}: {dataset}" for split, dataset in splits.items()),
            fix="--lossy true writes the rest; or take another layout (record keeps everything)",
        )
    if verify:
        for split, dataset in splits.items():
            conversion.verified += verify_split(writer, split, dataset)
    return conversion


def _check_class_lists(splits: Mapping[str, Dataset]) -> None:
    """Raise DataError if splits have different classes, or number them differently."""
    first, *further = splits
    for target in ("classes", "mask"):
        names = dataset_list(splits[first], target)
        for split in further:
            if dataset_list(splits[split], target) != names:
                raise DataError(
                    "Splits have different classes, or number them differently",
                    expected=f"{names!r:.200}, those of {first}",
                    received=f"{dataset_list(splits[split], target)!r:.200}",
                    where=f"split {split!r}",
                    fix='--data.settings "{classes: [NAME, ...]}" is the list of all splits, where '
                    "the layout has the setting; or --to record, which keeps a list a split",
                )
