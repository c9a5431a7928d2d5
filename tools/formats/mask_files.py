"""Mask files in two folders, paired by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from densefit.data.io.index_image import read_ids
from densefit.errors import DataError

from .image_source import tree

# Lossless formats; JPEG changes class indices.
LOSSLESS = (".png", ".bmp", ".tif", ".tiff", ".gif", ".pgm", ".pbm")


@dataclass
class MaskPairs:
    """Pairs of true and predicted masks.

    Attributes:
        truth, predicted: folders of the ground truth and the predictions.
        files: name -> (true, predicted) file, below the folders.
        extra: predicted files without ground truth.
        values: pixel value of the true files -> class; if empty, values are class indices.
        predicted_values: the same for the predicted files.
        ignore: value of the true files that is not scored.
    """

    truth: Path
    predicted: Path
    files: dict[str, tuple[Path, Path]]
    extra: list[Path]
    values: Mapping[int, int] = field(default_factory=dict)
    predicted_values: Mapping[int, int] = field(default_factory=dict)
    ignore: int | None = None

    def __post_init__(self) -> None:
        self._names = list(self.files)

    def __len__(self) -> int:
        return len(self.files)

    def id_of(self, index: int) -> str:
        """Path below the folders, without extension."""
        return self._names[index]

    def where(self, index: int) -> str:
        """Both files of a pair, for errors."""
        true, predicted = self.files[self.id_of(index)]
        return f"truth {self.truth / true}, prediction {self.predicted / predicted}"

    def read(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Read (prediction, truth), (H, W) uint8 or uint16 each.

        Raises:
            DataError: a file is broken or in colour, or the sizes differ.
        """
        return self.by_name(self.id_of(index))

    def by_name(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Read a pair by its id."""
        paths = self.files[name]
        true, predicted = self.truth / paths[0], self.predicted / paths[1]
        target = self.true(name)
        prediction = _classes(predicted, self.predicted_values, None, "--predicted-values")
        if target.shape != prediction.shape:
            raise DataError(
                "A prediction does not have the size of its ground truth",
                expected=f"{target.shape} (height, width), as {true}",
                received=prediction.shape,
                where=predicted,
                fix="enlarge it to the original size, without mixing classes (nearest)",
            )
        return prediction, target

    def true(self, name: str) -> np.ndarray:
        """Read the true mask alone, (H, W) uint8 or uint16."""
        return _classes(
            self.truth / self.files[name][0], self.values, self.ignore, "--truth-values"
        )


def _classes(path: Path, values: Mapping[int, int], ignore: int | None, option: str) -> np.ndarray:
    """Read a mask and map its values to classes; see `values` of `MaskPairs`."""
    mask = read_ids(path)
    if not values:
        return mask
    changed = mask.copy()
    has_class = np.zeros(mask.shape, bool) if ignore is None else mask == ignore
    for value, index in values.items():
        has_value = mask == value
        changed[has_value] = index
        has_class |= has_value
    if not has_class.all():
        strange = np.unique(mask[~has_class])[:10].tolist()
        raise DataError(
            "A mask has values that belong to no class",
            expected=", ".join(map(str, sorted(values))),
            received=f"also {', '.join(map(str, strange))}",
            where=path,
            fix=f"map them, too: {option} '{{{strange[0]}: ...}}'",
        )
    return changed


def pair_masks(
    truth: Path, predicted: Path, truth_ending: str = "", predicted_ending: str = ""
) -> MaskPairs:
    """Pair true and predicted masks by name.

    Args:
        truth: folder of the ground truth, searched recursively.
        predicted: folder of the predictions, with the same layout.
        truth_ending: suffix of the true files' names, which is not compared
            ("_labelTrainIds.png"), other files are skipped; by default the extension.
        predicted_ending: the same for the predictions.

    Raises:
        DataError: no masks, a mask without prediction, or two files of the same name.
    """
    true, predictions = _by_name(truth, truth_ending), _by_name(predicted, predicted_ending)
    lacking = [name for name in true if name not in predictions]
    if lacking:
        raise DataError(
            f"{len(lacking)} of {len(true)} masks have no prediction, the first is {lacking[0]!r}",
            expected=f"{predicted / lacking[0]}{predicted_ending or '.png'}",
            received=f"{len(predictions)} predictions, such as {next(iter(predictions.values()))}",
            where=predicted,
            fix=None
            if len(lacking) < len(true)
            else "if names differ by a suffix: --truth-ending and --predicted-ending",
        )
    return MaskPairs(
        truth,
        predicted,
        {name: (path, predictions[name]) for name, path in true.items()},
        [path for name, path in predictions.items() if name not in true],
    )


def _by_name(folder: Path, ending: str) -> dict[str, Path]:
    """Masks of a folder by name, sorted."""
    files = tree(folder)
    masks = [
        path for path in files if path.suffix.lower() in LOSSLESS and path.name.endswith(ending)
    ]
    by_name: dict[str, Path] = {}
    for path in masks:
        text = path.as_posix()
        name = text[: -len(ending)] if ending else path.with_suffix("").as_posix()
        if name in by_name:
            raise DataError(
                f"Two masks are called {name!r}",
                received=f"{by_name[name]} and {path}",
                where=folder,
            )
        by_name[name] = path
    if not by_name:
        raise DataError(
            "There are no masks",
            expected=f"{', '.join(LOSSLESS)}"
            + (f", names that end in {ending!r}" if ending else ""),
            received=f"{len(files)} other images, such as {files[0]}" if files else "no image",
            where=folder,
            fix="JPEG changes class indices: write PNG" if files and not masks else None,
        )
    return by_name
