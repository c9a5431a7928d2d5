"""Where the files of a COCO data set are, and what is in one of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from densefit.datasets.files.layout_error import missing_layout
from densefit.datasets.files.names import missing_split
from densefit.errors import ConfigError, MissingSplitError

Place = str | Path | None

TREE = """
    annotations/{kind}_{split}.json
    images/{split}/a.jpg   or {split}/a.jpg
"""


@dataclass(frozen=True)
class Files:
    """The files of a data set.

    Attributes:
        annotations: with the boxes.
        images: folder that the `file_name`s are below.
        keypoints: a further file, whose keypoints belong to the same annotations; None: those
            that are wanted are in the first one.
        spare: whether the file with keypoints does alone, where it has all wanted classes: that
            spares reading the far larger first one.
    """

    annotations: Path
    images: Path
    keypoints: Path | None = None
    spare: bool = False


def find_files(
    json_path: Place,
    image_root: Place,
    root: Place,
    split: str | None,
    keypoints: bool = False,
    keypoints_path: Place = None,
) -> Files:
    """The files by name, or by `root` and `split` of the usual layout; see `COCO`.

    Raises:
        ConfigError: neither or both of the two ways, or a file of keypoints that nobody wants.
        DataError: the layout has no such split.
    """
    if keypoints_path is not None and not keypoints:
        raise ConfigError(
            "A file of keypoints is given, and no keypoints are wanted",
            received=f"keypoints_path={keypoints_path}",
            where="COCO",
            fix="keypoints=True",
        )
    further = None if keypoints_path is None else Path(keypoints_path)
    if json_path is not None and image_root is not None and root is None and split is None:
        return Files(Path(json_path), Path(image_root), further)
    if root is None or split is None or json_path is not None or image_root is not None:
        raise ConfigError(
            "A COCO data set is found either by its file or by its layout",
            expected="json_path and image_root, or root and split",
            received=f"json_path={json_path}, image_root={image_root}, root={root}, split={split}",
            where="COCO",
        )
    folder, images = Path(root) / "annotations", Path(root) / "images" / split
    if not images.is_dir():
        images = Path(root) / split
    spare = keypoints and further is None
    if spare:
        further = _of_split(folder, "person_keypoints", split)
        if not (folder / f"instances_{split}.json").is_file():
            return Files(further, images)
    return Files(_of_split(folder, "instances", split), images, further, spare)


def _of_split(folder: Path, kind: str, split: str) -> Path:
    path = folder / f"{kind}_{split}.json"
    if not path.is_file():
        splits = [file.stem[len(kind) + 1 :] for file in folder.glob(f"{kind}_*.json")]
        hint = "put the annotations there, or say json_path=..."
        if not splits and isinstance(split, str):
            tree = TREE.format(kind=kind, split=split)
            what = f"There is no split {split!r}"
            raise missing_layout(
                folder.parent, tree, what, layout="coco", fix=hint, kind=MissingSplitError
            )
        raise missing_split(split, path, splits, hint)
    return path
