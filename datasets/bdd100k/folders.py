"""Where the files of BDD100K lie: as it is published, or as YOLOP arranges them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from densefit.datasets.files.layout_error import missing_layout
from densefit.errors import DataError, MissingSplitError

#: Kind of files -> where they may lie, the published path first.
_PATHS = {
    "images": ("images/100k/{split}", "images/{split}"),
    "boxes": (
        *("labels/det_20/det_{split}.json", "labels/100k/{split}", "det_annotations/{split}"),
        "det_annotations/100k/{split}",
    ),
    "drivable": ("labels/drivable/masks/{split}", "da_seg_annotations/{split}"),
    "lanes": ("labels/lane/masks/{split}", "ll_seg_annotations/{split}"),
}
TREE = """
    images/100k/{split}/a.jpg               or images/{split}
    labels/det_20/det_{split}.json          or det_annotations/{split}/a.json
    labels/drivable/masks/{split}/a.png     or da_seg_annotations/{split}
    labels/lane/masks/{split}/a.png         or ll_seg_annotations/{split}
"""


@dataclass(frozen=True)
class Folders:
    """Files of a split.

    Attributes:
        images: folder of the pictures.
        boxes: JSON file, or folder of one a picture.
        masks: "drivable" and "lanes" -> folder of the masks.
        simple: those masks that are YOLOP's: 0 and other values, without kinds.
    """

    images: Path
    boxes: Path
    masks: dict[str, Path]
    simple: frozenset[str]


def find_folders(root: Path, split: str, masks: Sequence[str]) -> Folders:
    """Find the files of a split in a folder, or in bdd100k/ below it.

    Args:
        root: the folder.
        split: "train" or "val".
        masks: of "drivable" and "lanes", which are needed.

    Raises:
        DataError: one of them is not there.
    """
    base = root / "bdd100k" if (root / "bdd100k/images").is_dir() else root
    paths: dict[str, Path] = {}
    for kind in ("images", "boxes", *masks):
        candidates = [base / path.replace("{split}", split) for path in _PATHS[kind]]
        path = next((candidate for candidate in candidates if candidate.exists()), None)
        if path is None:
            is_first = kind == "images"
            raise missing_layout(
                base,
                TREE.replace("{split}", split),
                f"There are no {kind} of the split {split!r}",
                layout="bdd100k",
                fix=None if kind not in masks else f"{kind}: false trains without them",
                kind=MissingSplitError if is_first else DataError,
            )
        paths[kind] = path
    return Folders(
        paths["images"],
        paths["boxes"],
        {kind: paths[kind] for kind in masks},
        frozenset(kind for kind in masks if "seg_annotations" in paths[kind].parent.name),
    )


def has_folders(root: Path) -> bool:
    """Whether a folder has masks of drivable area or lanes where they lie in this layout."""
    names = ("labels/drivable", "labels/lane", "da_seg_annotations", "ll_seg_annotations")
    return any((base / name).is_dir() for base in (root, root / "bdd100k") for name in names)
