"""Read and check a whole COCO file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from densefit.datasets.files.json_file import read_json
from densefit.datasets.files.numbers import number
from densefit.errors import DataError

from .ids import Id, read_id

LISTS = ("images", "annotations", "categories")


def read_file(path: Path) -> dict[str, Any]:
    """The content of a file, with its three lists; ids of images and categories are checked.

    Ids that mean the same become equal, see `read_id`.

    Raises:
        DataError: it is missing, no JSON, or lacks what every image and category must have; or
            a category's id stands for two names.
    """
    content = read_json(path)
    if not isinstance(content, dict) or not all(
        isinstance(content.get(name), list) for name in LISTS
    ):
        raise DataError(
            "The annotations are not those of COCO instances",
            expected=f"an object with the lists {', '.join(LISTS)}",
            received=sorted(content) if isinstance(content, dict) else type(content).__name__,
            where=path,
        )
    for name in LISTS:
        check_objects(content[name], f"{path}, {name}")
    check_images(content["images"], path)
    check_categories(content["categories"], path)
    return content


def check_objects(entries: Sequence[Any], where: str, first: int = 0) -> None:
    """Raise DataError unless all entries of a list are JSON objects."""
    for index, entry in enumerate(entries, first):
        if not isinstance(entry, dict):
            raise DataError(
                "An entry is no object", received=f"{entry!r:.80}", where=f"{where}[{index}]"
            )


def check_images(images: Sequence[dict[str, Any]], path: Path, first: int = 0) -> None:
    """Bring the ids of images to one form; each must have one, and a name of a file.

    Args:
        images: entries of `images`.
        path: of the file, for errors.
        first: index of the first of them.
    """
    for index, entry in enumerate(images, first):
        _check_fields(entry, ("id", "file_name"), f"{path}, images[{index}]")


def check_categories(categories: Sequence[dict[str, Any]], path: Path) -> None:
    """Bring ids and names of categories to one form; an id must not stand for two names."""
    for index, entry in enumerate(categories):
        _check_fields(entry, ("id", "name"), f"{path}, categories[{index}]")
    names: dict[Id, str] = {}
    for index, entry in enumerate(categories):
        where = f"{path}, categories[{index}]"
        if type(entry["name"]) not in (str, int) or not str(entry["name"]).strip():
            raise DataError("A category has no name", received=repr(entry["name"]), where=where)
        entry["name"] = str(entry["name"]).strip()
        first_name = names.setdefault(entry["id"], entry["name"])
        if first_name != entry["name"]:
            raise DataError(
                "Two categories have the same id",
                received=f"id {entry['id']}: {first_name!r} and {entry['name']!r}",
                where=where,
                fix="give one of them, and its annotations, an id of its own",
            )


def _check_fields(entry: dict[str, Any], fields: Sequence[str], where: str) -> None:
    missing = [field for field in fields if field not in entry]
    if missing:
        raise DataError(f"An entry lacks {', '.join(missing)}", where=where)
    entry["id"] = read_id(entry["id"], where)


def category_names(content: dict[str, Any]) -> dict[Id, str]:
    """Category id -> name."""
    return {category["id"]: category["name"] for category in content["categories"]}


def in_order(ids: Iterable[Id]) -> list[Id]:
    """Ids sorted, numbers before texts."""
    return sorted(ids, key=lambda key: (isinstance(key, str), key))


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
