"""Mask files in two folders, paired by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from densefit.data.io.index_image import read_ids
from densefit.errors import DataError

from .image_source import tree

# A format that loses nothing; a JPEG changes the indices.
LOSSLESS = (".png", ".bmp", ".tif", ".tiff", ".gif", ".pgm", ".pbm")


@dataclass
class MaskPairs:
    """Pairs of true and predicted masks.

    Attributes:
        truth, predicted: the folders.
        files: name -> (true, predicted) file, below the folders.
        extra: predicted files without a truth.
        values: value of the true files -> class, all that have one; none: they are the classes.
        predicted_values: the same of the predicted files.
        ignore: value of the true files that counts nowhere.
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
        """Path below the folders, without ending."""
        return self._names[index]

    def where(self, index: int) -> str:
        """Both files."""
        true, predicted = self.files[self.id_of(index)]
        return f"truth {self.truth / true}, prediction {self.predicted / predicted}"

    def read(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """(prediction, truth), (H, W) uint8 or uint16 each.

        Raises:
            DataError: a file is broken or in colour, or the sizes differ.
        """
        return self.by_name(self.id_of(index))

    def by_name(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """The same, by id."""
        paths = self.files[name]
        true, predicted = self.truth / paths[0], self.predicted / paths[1]
        target = self.true(name)
        prediction = _classes(predicted, self.predicted_values, None, "--predicted-values")
        if target.shape != prediction.shape:
            raise DataError(
                "A prediction is not of its truth's size",
                expected=f"{target.shape} (height, width), as {true}",
                received=prediction.shape,
                where=predicted,
                fix="enlarge it to the original size, without mixing classes (nearest)",
            )
        return prediction, target

    def true(self, name: str) -> np.ndarray:
        """The true mask alone, (H, W) uint8 or uint16."""
        return _classes(
            self.truth / self.files[name][0], self.values, self.ignore, "--truth-values"
        )


def _classes(path: Path, values: Mapping[int, int], ignore: int | None, option: str) -> np.ndarray:
    """The classes of a file whose values are these; see `values` of `MaskPairs`."""
    mask = read_ids(path)
    if not values:
        return mask
    changed = mask.copy()
    known = np.zeros(mask.shape, bool) if ignore is None else mask == ignore
    for value, index in values.items():
        here = mask == value
        changed[here] = index
        known |= here
    if not known.all():
        strange = np.unique(mask[~known])[:10].tolist()
        raise DataError(
            "A mask has values that belong to no class",
            expected=", ".join(map(str, sorted(values))),
            received=f"also {', '.join(map(str, strange))}",
            where=path,
            fix=f"name them, too: {option} '{{{strange[0]}: ...}}'",
        )
    return changed


def pair_masks(
    truth: Path, predicted: Path, truth_ending: str = "", predicted_ending: str = ""
) -> MaskPairs:
    """Find the true and predicted masks.

    Args:
        truth: folder of the ground truth, searched recursively.
        predicted: folder of the predictions, with the same layout.
        truth_ending: only files whose names end so count, and it is no part of the name
            ("_labelTrainIds.png"); by default extensions are none.
        predicted_ending: the same for the predictions.

    Raises:
        DataError: no masks, a mask without prediction, or two files of the same name.
    """
    true, found = _by_name(truth, truth_ending), _by_name(predicted, predicted_ending)
    lacking = [name for name in true if name not in found]
    if lacking:
        raise DataError(
            f"{len(lacking)} of {len(true)} masks have no prediction, the first is {lacking[0]!r}",
            expected=f"{predicted / lacking[0]}{predicted_ending or '.png'}",
            received=f"{len(found)} predictions, such as {next(iter(found.values()))}",
            where=predicted,
            fix=None
            if len(lacking) < len(true)
            else "names differ? --truth-ending and --predicted-ending say what is not part of them",
        )
    return MaskPairs(
        truth,
        predicted,
        {name: (path, found[name]) for name, path in true.items()},
        [path for name, path in found.items() if name not in true],
    )


def _by_name(folder: Path, ending: str) -> dict[str, Path]:
    """The masks of a folder by their names, sorted."""
    files = tree(folder)
    masks = [
        path for path in files if path.suffix.lower() in LOSSLESS and path.name.endswith(ending)
    ]
    found: dict[str, Path] = {}
    for path in masks:
        text = path.as_posix()
        name = text[: -len(ending)] if ending else path.with_suffix("").as_posix()
        if name in found:
            raise DataError(
                f"Two masks are called {name!r}",
                received=f"{found[name]} and {path}",
                where=folder,
            )
        found[name] = path
    if not found:
        raise DataError(
            "There are no masks",
            expected=f"{', '.join(LOSSLESS)}"
            + (f", names that end in {ending!r}" if ending else ""),
            received=f"{len(files)} other pictures, such as {files[0]}" if files else "no picture",
            where=folder,
            fix="JPEG changes class indices: write PNG" if files and not masks else None,
        )
    return found
