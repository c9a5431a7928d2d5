"""Where the files of a COCO data set are, and what is in one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from densefit.datasets.files.json_file import read_json
from densefit.datasets.files.numbers import number
from densefit.errors import ConfigError, DataError

from .ids import Id, read_id
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


def read_file(path: Path) -> dict[str, Any]:
    """The content of a file, with its three lists; ids of pictures and categories are checked.

    Ids that mean the same become equal, see `read_id`.

    Raises:
        DataError: it is missing, no JSON, or lacks what every picture and category must have; or
            a category's id stands for two names.
    """
    content = read_json(path)
    lists = ("images", "annotations", "categories")
    if not isinstance(content, dict) or not all(
        isinstance(content.get(name), list) for name in lists
    ):
        raise DataError(
            "The annotations are not those of COCO instances",
            expected=f"an object with the lists {', '.join(lists)}",
            received=sorted(content) if isinstance(content, dict) else type(content).__name__,
            where=path,
        )
    for name in lists:
        for place, entry in enumerate(content[name]):
            if not isinstance(entry, dict):
                raise DataError(
                    "An entry is no object",
                    received=f"{entry!r:.80}",
                    where=f"{path}, {name}[{place}]",
                )
    for name, fields in (("images", ("id", "file_name")), ("categories", ("id", "name"))):
        for place, entry in enumerate(content[name]):
            where = f"{path}, {name}[{place}]"
            missing = [field for field in fields if field not in entry]
            if missing:
                raise DataError(f"An entry lacks {', '.join(missing)}", where=where)
            entry["id"] = read_id(entry["id"], where)
    _check_categories(content["categories"], path)
    return content


def _check_categories(categories: Sequence[dict[str, Any]], path: Path) -> None:
    """Bring the names of categories to texts; an id must not stand for two."""
    names: dict[Id, str] = {}
    for place, one in enumerate(categories):
        where = f"{path}, categories[{place}]"
        if type(one["name"]) not in (str, int) or not str(one["name"]).strip():
            raise DataError("A category has no name", received=repr(one["name"]), where=where)
        one["name"] = str(one["name"]).strip()
        known = names.setdefault(one["id"], one["name"])
        if known != one["name"]:
            raise DataError(
                "Two categories have the same id",
                received=f"id {one['id']}: {known!r} and {one['name']!r}",
                where=where,
                fix="give one of them, and its annotations, an id of its own",
            )


def read_files(
    files: Files, classes: Sequence[str] | None
) -> tuple[Path, dict[str, Any], dict[str, Any] | None]:
    """The file with the annotations, its content, and that of a further one with keypoints.

    Args:
        files: where they are.
        classes: names of those that are wanted, None for all.

    Raises:
        DataError: see `read_file`.
    """
    further = None if files.keypoints is None else read_file(files.keypoints)
    if further is not None and files.keypoints is not None and files.spare and classes is not None:
        if set(classes) <= set(category_names(further).values()):
            return files.keypoints, further, None
    return files.annotations, read_file(files.annotations), further


def category_names(content: dict[str, Any]) -> dict[Id, str]:
    """Category id -> name."""
    return {one["id"]: one["name"] for one in content["categories"]}


def in_order(ids: Iterable[Id]) -> list[Id]:
    """Ids sorted, numbers before texts."""
    return sorted(ids, key=lambda one: (isinstance(one, str), one))


def stated_size(image: Mapping[str, Any], where: object) -> tuple[int, int] | None:
    """(height, width) of an entry of `images`; None if it has none, or zeros.

    Raises:
        DataError: no numbers of pixels.
    """
    sides = []
    for side in ("height", "width"):
        value = image.get(side)
        try:
            pixels = 0.0 if value is None else number(value)
        except ValueError:
            pixels = -1.0
        if not (pixels >= 0 and pixels.is_integer()):
            raise DataError(
                f"The {side} of a picture is no number of pixels",
                received=f"{value!r:.80}",
                where=where,
            )
        sides.append(int(pixels))
    return (sides[0], sides[1]) if all(sides) else None
