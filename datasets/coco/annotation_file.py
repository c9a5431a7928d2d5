"""Where the files of a COCO data set are, and what is in one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from densefit.errors import ConfigError

from .layout import BySplit, Files, Layout

Place = str | Path | None


def find_files(
    json_path: Place,
    image_root: Place,
    root: Place,
    split: str | None,
    keypoints: bool = False,
    keypoints_path: Place = None,
    annotations: BySplit = None,
    images: BySplit = None,
) -> Files:
    """The files by name, or by `root` and `split`; see `COCO`.

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
    by_layout: dict[str, Any] = {"root": root, "split": split}
    by_layout |= {"annotations": annotations, "images": images}
    by_file = {"json_path": json_path, "image_root": image_root}
    if None not in by_file.values() and not any(v is not None for v in by_layout.values()):
        return Files(Path(str(json_path)), Path(str(image_root)), further)
    if root is None or any(value is not None for value in by_file.values()):
        arguments = {**by_file, **by_layout}
        raise ConfigError(
            "A COCO data set is found either by its file or by its layout",
            expected="json_path and image_root, or root and split",
            received=", ".join(
                f"{key}={value}"
                for key, value in arguments.items()
                if value is not None or key not in ("annotations", "images")
            ),
            where="COCO",
        )
    return Layout(Path(root), split, annotations, images).files(keypoints, further)
